/**
 * Bad input over real sockets against a whole control plane: whatever is sent, the answer is sane, nothing crashes or hangs,
 * what is refused leaves no trace, and memory stays bounded. A run is made again by its seed, a single request by its number.
 */
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { structOfKind } from '../../../src/api/schema.ts';
import { decodeEnvelope, decodeProtobuf, isEnvelope } from '../../../src/apimachinery/codec/protobuf.ts';
import { parseYaml } from '../../../src/apimachinery/codec/yaml.ts';
import type { Struct } from '../../../src/apimachinery/schema.ts';
import { startTestControlPlane, type TestControlPlane } from '../controlplane.ts';
import { initialPolicy, policyName, widgetDefinition } from './cel.ts';
import { mutateBytes } from './mutate.ts';
import { namespace } from './objects.ts';
import { randomAt } from './random.ts';
import { anyRequest, type FuzzRequest } from './requests.ts';
import { createTransport, type FuzzAnswer, type Transport } from './transport.ts';

export interface FuzzOptions {
  seed: number;
  milliseconds: number;
  /** The first request's number, to begin a run in the middle. */
  from?: number;
  /** Is told of what goes wrong, and the run goes on; without it the first failure ends the run. */
  onFailure?: (error: Error) => void;
  /** So many bytes may the process grow by between a third of the run and its end. */
  growth: number;
}

export interface FuzzReport {
  requests: number;
  /** By area and code: `json 422`. */
  answers: Map<string, number>;
  /** In bytes, between a third of the run and its end. */
  grown: number;
}

/** Answers of 5xx that upstream gives too: nodes, pods and services that are not there to be reached, and a time limit of the client's own. */
const serverErrors: readonly RegExp[] = [/^503 .*\/(?:proxy|log|exec|attach|portforward)/, /^504 .*[?&](?:timeout|resourceVersion)=/, /^501 /];

/**
 * Where upstream's code returns a plain error its answer is 500 without a reason (patches that fit no type, revisions that are no
 * numbers); knarr says the same on purpose. What fails by accident has the reason `InternalError`.
 */
function isUpstreams({ method, path }: FuzzRequest, { status, contentType, body }: FuzzAnswer): boolean {
  if (serverErrors.some((one) => one.test(`${status} ${path}`))) return true;
  if (status !== 500) return false;
  if (method === 'HEAD') return path.includes('resourceVersion=');
  return !parsed(contentType, body)['reason'];
}

function checkAnswer(request: FuzzRequest, answer: FuzzAnswer): void {
  const { status, contentType, body, partial } = answer;
  assert.ok(status >= 200 && status < 600, `a code of HTTP, not ${status}`);
  const text = body.toString('utf8');
  if (status >= 500) assert.ok(isUpstreams(request, answer), `${status}: ${text.slice(0, 600)}`);
  if (partial || request.method === 'HEAD' || status === 304 || body.length === 0) return;
  const value = parsed(contentType, body);
  if (status < 400) return;
  // Paths beside the API are answered in plain text.
  if (!contentType.includes('json') && !contentType.includes('yaml') && !contentType.includes('protobuf')) return;
  assert.equal(value['kind'], 'Status', text.slice(0, 600));
  assert.equal(value['code'], status);
  assert.equal(value['status'], 'Failure');
  assert.equal(typeof value['message'], 'string');
}

function parsed(contentType: string, body: Buffer): Record<string, unknown> {
  if (contentType.startsWith('application/json')) return JSON.parse(body.toString('utf8'));
  if (contentType.startsWith('application/yaml')) return parseYaml(body.toString('utf8')) as Record<string, unknown>;
  if (!isEnvelope(body)) return {};
  const { apiVersion, kind, raw } = decodeEnvelope(body);
  return { kind, ...decodeProtobuf(structOfKind(apiVersion, kind) as Struct, raw) };
}

/** Ends the process with the request's number when the event loop stands still: nothing else could. */
function watchdog(seed: number): { at(index: number): void; stop(): Promise<number> } {
  const shared = new BigInt64Array(new SharedArrayBuffer(8));
  const code = `const { workerData: { shared, seed } } = require('node:worker_threads'); let last = -1n; let same = 0;
setInterval(() => { const now = Atomics.load(shared, 0); same = now === last ? same + 1 : 0; last = now;
  if (same >= 90) { require('node:fs').writeSync(2, 'the fuzzer hangs at KNARR_FUZZ_SEED=' + seed + ' KNARR_FUZZ_FROM=' + now + '\\n'); process.exit(1); } }, 1000);`;
  const worker = new Worker(code, { eval: true, workerData: { shared, seed } });
  worker.unref();
  return { at: (index) => void Atomics.store(shared, 0, BigInt(index)), stop: () => worker.terminate() };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What the process holds when everything that may be forgotten is forgotten. */
async function memoryOf({ store }: TestControlPlane): Promise<number> {
  await store.compact(await store.currentRevision());
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function prepare(cluster: TestControlPlane): Promise<void> {
  const made = async (path: string, body: object): Promise<void> => {
    const { status, text } = await cluster.request('POST', path, { body });
    assert.equal(status, 201, text);
  };
  await made('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await made('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', widgetDefinition);
  const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
  await made(policies, initialPolicy);
  await made(`${policies.replace(/ies$/, 'ybindings')}`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: policyName },
    spec: { policyName, validationActions: ['Warn'] },
  });
  await made(`/api/v1/namespaces/${namespace}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
}

/** What was refused is stored in no part. */
async function checkUntouched({ store }: TestControlPlane, before: number): Promise<void> {
  if ((await store.currentRevision()) === before) return;
  const { entries } = await store.list('/registry/');
  // The server's own house-keeping goes on meanwhile; it is elsewhere.
  const touched = entries.filter(({ modRevision, key }) => modRevision > before && /\/(?:fuzz|[a-d])(?:\/|$)/.test(key)).map(({ key }) => key);
  assert.deepEqual(touched, [], 'stored, though refused');
}

/** What was stored can be read, and written again as it is. */
async function checkStored(transport: Transport, request: FuzzRequest, { body, contentType }: FuzzAnswer): Promise<void> {
  if (!contentType.startsWith('application/json')) return;
  const { kind, metadata } = JSON.parse(body.toString('utf8')) as { kind: string; metadata?: { name?: string } };
  const collection = request.path.replace(/\?.*$/, '');
  if (request.method !== 'POST' || !metadata?.name || !/\/namespaces\/fuzz\/[a-z]+$/.test(collection) || /Review$|^Table$|^Partial/.test(kind)) return;
  const own = {
    area: 'again',
    path: `${collection}/${encodeURIComponent(metadata.name)}`,
    headers: { accept: 'application/json', 'content-type': 'application/json' },
  };
  const read = await transport.http1({ ...own, method: 'GET' });
  assert.equal(read.status, 200, `${own.path}: ${read.body.toString('utf8').slice(0, 300)}`);
  const again = await transport.http1({ ...own, method: 'PUT', body: read.body });
  assert.equal(again.status, 200, `what was stored is refused: ${again.body.toString('utf8').slice(0, 600)}`);
}

export async function fuzz({ seed, milliseconds, from = 0, growth, onFailure }: FuzzOptions): Promise<FuzzReport> {
  const cluster = await startTestControlPlane();
  const transport = createTransport(cluster);
  const dog = watchdog(seed);
  const answers = new Map<string, number>();
  const started = performance.now();
  let memory: number | undefined;
  let index = from;
  try {
    await prepare(cluster);
    for (; performance.now() - started < milliseconds; index++) {
      dog.at(index);
      await one(cluster, transport, seed, index, answers).catch((error: Error) => {
        if (!onFailure) throw error;
        onFailure(error);
      });
      if (memory === undefined && performance.now() - started > milliseconds / 3) memory = await memoryOf(cluster);
    }
    const grown = (await memoryOf(cluster)) - (memory ?? 0);
    assert.ok(grown < growth, `the process grew by ${Math.round(grown / 2 ** 20)} MiB`);
    const { status } = await cluster.request('GET', '/readyz');
    assert.equal(status, 200, 'the server still works');
    return { requests: index - from, answers, grown };
  } finally {
    await dog.stop();
    transport.close();
    await cluster[Symbol.asyncDispose]();
  }
}

async function one(cluster: TestControlPlane, transport: Transport, seed: number, index: number, answers: Map<string, number>): Promise<void> {
  const random = randomAt(seed, index);
  const request = anyRequest(random);
  try {
    if (random.oneIn(40)) {
      const head = `${request.method} ${request.path} HTTP/1.1\r\nhost: a\r\n${Object.entries(request.headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}\r\n`;
      await transport.raw(mutateBytes(random, Buffer.concat([Buffer.from(head), request.body ?? Buffer.alloc(0)]), 1 + random.below(4)));
      return;
    }
    const before = await cluster.store.currentRevision();
    const answer = await (random.oneIn(3) ? transport.http2(request) : transport.http1(request));
    const key = `${request.area} ${answer.status}`;
    answers.set(key, (answers.get(key) ?? 0) + 1);
    checkAnswer(request, answer);
    if (answer.status >= 400) await checkUntouched(cluster, before);
    else if (answer.status === 201 && !request.path.includes('dryRun') && random.oneIn(4)) await checkStored(transport, request, answer);
  } catch (error) {
    const { method, path, headers, body } = request;
    const sent = `${method} ${path.slice(0, 500)} ${JSON.stringify(headers).slice(0, 1000)} ${body?.subarray(0, 4000).toString('latin1') ?? ''}`;
    throw new Error(`KNARR_FUZZ_SEED=${seed} KNARR_FUZZ_FROM=${index} (${request.area}): ${(error as Error).message}\n${sent}`, { cause: error });
  }
}

/** In one line: how many requests, how much memory, and how often which code. */
export function reportOf({ requests, grown, answers }: FuzzReport): string {
  const codes = new Map<string, number>();
  for (const [key, count] of answers) {
    const code = key.slice(key.indexOf(' ') + 1);
    codes.set(code, (codes.get(code) ?? 0) + count);
  }
  const counts = [...codes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([code, count]) => `${code}: ${count}`);
  return `${requests} requests, ${(grown / 2 ** 20).toFixed(1)} MiB more; ${counts.join(', ')}`;
}
