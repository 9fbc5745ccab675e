import type { Readable } from 'node:stream';
import { tooLarge } from '../../apimachinery/errors.ts';

/** The largest body that a write may have, in bytes (upstream: `MaxRequestBodyBytes`). */
export const maxRequestBodyBytes = 3 * 1024 * 1024;

/**
 * Reads a request's body to its end. Past `limit` bytes it stops listening and fails with 413, as upstream does;
 * a connection that breaks fails with the stream's own error.
 */
export function readStream(stream: Readable, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let total = 0;
    let settled = false;
    const settle = (finish: () => void): void => {
      if (settled) return;
      settled = true;
      finish();
    };
    stream.on('data', (chunk: Buffer) => {
      if (settled) return;
      total += chunk.length;
      if (total > limit) {
        settle(() => reject(tooLarge(`limit is ${limit}`)));
        return;
      }
      chunks.push(chunk);
    });
    stream.on('end', () => settle(() => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, total))));
    stream.on('error', (error) => settle(() => reject(error)));
    stream.on('close', () => settle(() => reject(new Error('the client closed the connection before the body was complete'))));
  });
}
