/** Tables of requests and what they get, for tests of refusals. */
import assert from 'node:assert/strict';
import type { RequestOptions, TestControlPlane } from './controlplane.ts';

/** One request and what it gets: code, reason, message. */
export interface Case {
  request: [method: string, path: string, options?: RequestOptions];
  gets: [code: number, reason: string | undefined, message: string | RegExp];
}

export async function checkCases(cluster: TestControlPlane, cases: Record<string, Case>): Promise<void> {
  for (const [title, { request, gets }] of Object.entries(cases)) {
    const { status, body } = await cluster.request(...request);
    const [code, reason, message] = gets;
    assert.deepEqual([status, body.code, body.reason], [code, code, reason], `${title}: ${body.message}`);
    if (typeof message === 'string') assert.equal(body.message, message, title);
    else assert.match(body.message ?? '', message, title);
  }
}
