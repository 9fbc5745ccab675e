/** Sends a request again where that is safe and the server asks for it, as client-go's `withRetry` does. */
import { setTimeout as sleep } from 'node:timers/promises';
import { requestRetries } from './restmetrics.ts';
import { readBody, type Transport, type TransportRequest, type TransportResponse } from './transport.ts';

const maxRetries = 10;

/** Node's codes of a connection that broke under way, as opposed to one that could not be made. */
const resetCodes = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

const errorCode = (error: unknown): string => (error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '');

export const isConnectionReset = (error: unknown): boolean => resetCodes.has(errorCode(error));

/** Seconds that `Retry-After` names, where a retry is allowed: 429 for every verb, and 5xx since the server says that it did nothing. */
function retryAfterSeconds({ status, headers }: TransportResponse): number | undefined {
  if (status !== 429 && status < 500) return undefined;
  const header = headers['retry-after'];
  if (header === undefined || !/^\d+$/.test(header)) return undefined;
  return Number(header);
}

/**
 * `transport.request` with up to ten retries: after `Retry-After` for 429 and 5xx, and at once for a GET whose connection was reset.
 * A write whose connection broke may have happened, so its error goes to the caller.
 */
export async function requestWithRetry(transport: Transport, request: TransportRequest): Promise<TransportResponse> {
  for (let attempt = 0; ; attempt++) {
    let response: TransportResponse;
    try {
      response = await transport.request(request);
    } catch (error) {
      if (attempt >= maxRetries || request.signal?.aborted || request.method !== 'GET' || !isConnectionReset(error)) throw error;
      await sleep(Math.min(10 * 2 ** attempt, 1_000), undefined, { signal: request.signal });
      continue;
    }
    const seconds = retryAfterSeconds(response);
    if (seconds === undefined || attempt >= maxRetries) return response;
    requestRetries.add(1, String(response.status), request.method, transport.host ?? '');
    await readBody(response);
    await sleep(seconds * 1_000, undefined, { signal: request.signal });
  }
}
