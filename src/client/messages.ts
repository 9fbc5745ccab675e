/** What the two ends of a message port say to each other. `id` numbers the requests of one port. */

export type ToServer =
  | { type: 'request'; id: number; method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'; path: string; headers?: Record<string, string>; body?: Uint8Array }
  | { type: 'abort'; id: number }
  /** The consumer has taken that many bytes: as many more may be sent. */
  | { type: 'consumed'; id: number; bytes: number }
  | { type: 'close' };

export type ToClient =
  | { type: 'response'; id: number; status: number; headers: Record<string, string> }
  /** `last` ends the body. */
  | { type: 'data'; id: number; data?: Uint8Array; last: boolean }
  | { type: 'error'; id: number; message: string; name: string };

/** Bytes of one response that may be under way or waiting in the other thread. */
export const windowBytes = 1 << 20;

/** One copy into a buffer of its own, which can then change threads without another copy. The source may be shared by many watchers. */
export function ownedCopy(chunks: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  let offset = 0;
  for (const chunk of chunks) {
    copy.set(chunk, offset);
    offset += chunk.length;
  }
  return copy;
}
