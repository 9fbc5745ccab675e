/** Reads a file front to back in exact pieces, and knows the hash of what it read. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

export interface ByteReader {
  /** Exactly `length` bytes. Throws when the file ends before. */
  take(length: number): Promise<Buffer>;
  /** Up to the next line feed, which is left out. */
  line(): Promise<string>;
  /** SHA-256 of all that was taken so far. */
  digest(): Buffer;
  close(): Promise<void>;
}

const chunkBytes = 1 << 20;
const maxLine = 4_096;

/** Opens `file`. */
export async function createReader(file: string): Promise<ByteReader> {
  const handle = await open(file, 'r');
  const hash = createHash('sha256');
  let ahead = Buffer.alloc(0);

  async function fill(length: number): Promise<void> {
    const parts = [ahead];
    for (let have = ahead.length; have < length; ) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.max(chunkBytes, length - have)));
      if (bytesRead === 0) throw new Error('it ends too early');
      parts.push(buffer.subarray(0, bytesRead));
      have += bytesRead;
    }
    ahead = Buffer.concat(parts);
  }

  async function take(length: number): Promise<Buffer> {
    if (ahead.length < length) await fill(length);
    const bytes = ahead.subarray(0, length);
    ahead = ahead.subarray(length);
    hash.update(bytes);
    return bytes;
  }

  return {
    take,
    async line() {
      if (ahead.length === 0) await fill(1);
      const end = ahead.indexOf(0x0a);
      if (end < 0 || end > maxLine) throw new Error('it has no heading');
      return (await take(end + 1)).toString('utf8', 0, end);
    },
    digest: () => hash.copy().digest(),
    close: () => handle.close(),
  };
}
