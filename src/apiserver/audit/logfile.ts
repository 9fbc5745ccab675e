/** The audit log as a file of JSON lines, which is put aside and begun anew when it grows too large. */
import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Logger } from 'pino';

export interface LogFileOptions {
  /** `-` is standard output. */
  path: string;
  /** Megabytes; 0 never rotates. */
  maxSize: number;
  /** Days that files which were put aside are kept; 0 for ever. */
  maxAge: number;
  /** How many of them are kept; 0 is all. */
  maxBackups: number;
  /** Packs what was put aside. */
  compress: boolean;
}

export interface LogFile {
  /** Is in the file when it returns. @throws when there is no room */
  append(line: string): void;
  /** Waits for what is being packed. */
  close(): Promise<void>;
}

const megabyte = 1 << 20;
const day = 24 * 60 * 60 * 1000;

/** `audit-2026-11-23T19-55-00.123.log`, in UTC: sorted by name they are sorted by time. */
const stampOf = (now: Date): string => now.toISOString().replaceAll(':', '-').replace('Z', '');

export function openLogFile({ path, maxSize, maxAge, maxBackups, compress }: LogFileOptions, log?: Logger): LogFile {
  if (path === '-') return { append: (line) => void writeSync(1, line), close: async () => {} };
  const directory = dirname(path);
  const extension = extname(path);
  const stem = basename(path, extension);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  let descriptor = openSync(path, 'a', 0o600);
  let { size } = fstatSync(descriptor);
  let tidying = Promise.resolve();

  /** Newest first. */
  const aside = (): { name: string; at: number }[] =>
    readdirSync(directory)
      .flatMap((name) => {
        const match = name.startsWith(`${stem}-`) ? /(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d\.\d{3})/.exec(name.slice(stem.length + 1)) : null;
        return match ? [{ name, at: Date.parse(`${match[1]}:${match[2]}:${match[3]}Z`) }] : [];
      })
      .sort((a, b) => b.at - a.at);

  async function tidy(): Promise<void> {
    const files = aside();
    const kept = files.filter(({ at }, index) => (maxBackups === 0 || index < maxBackups) && (maxAge === 0 || Date.now() - at < maxAge * day));
    for (const { name } of files) if (!kept.some((one) => one.name === name)) rmSync(join(directory, name), { force: true });
    if (!compress) return;
    for (const { name } of kept) {
      if (name.endsWith('.gz')) continue;
      const file = join(directory, name);
      await pipeline(createReadStream(file), createGzip(), createWriteStream(`${file}.gz`, { mode: 0o600 }));
      rmSync(file);
    }
  }

  function rotate(): void {
    const now = new Date();
    let target = '';
    // Two in one millisecond are told apart by the next one.
    do {
      target = join(directory, `${stem}-${stampOf(now)}${extension}`);
      now.setMilliseconds(now.getMilliseconds() + 1);
    } while (existsSync(target) || existsSync(`${target}.gz`));
    closeSync(descriptor);
    renameSync(path, target);
    descriptor = openSync(path, 'a', 0o600);
    size = 0;
    tidying = tidying.then(tidy).catch((error: unknown) => log?.error({ err: error, path }, 'old audit logs could not be tidied up'));
  }

  return {
    append(line) {
      const bytes = Buffer.from(line);
      if (maxSize > 0 && size > 0 && size + bytes.length > maxSize * megabyte) rotate();
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
      size += bytes.length;
    },
    async close() {
      await tidying;
      closeSync(descriptor);
    },
  };
}
