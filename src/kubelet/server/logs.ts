/** Container logs: reading the runtime's log files from where the caller wants them, and following them while they grow. */
import { watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ContainerStatus, PodStatus } from '../../api/core/v1/types.gen.ts';
import { parseLogLine } from './logline.ts';

export interface LogOptions {
  follow: boolean;
  previous: boolean;
  timestamps: boolean;
  /** Epoch milliseconds. */
  since?: number;
  tailLines?: number;
  limitBytes?: number;
  stream: 'All' | 'Stdout' | 'Stderr';
}

/** Query parameters as `v1.PodLogOptions` has them; throws for what is no such thing. */
export function logOptions(query: URLSearchParams, now: number): LogOptions {
  const bool = (name: string): boolean => ['true', '1'].includes(query.get(name) ?? '');
  const number = (name: string, least: number): number | undefined => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    if (!/^-?\d+$/.test(text) || Number(text) < least) throw new Error(`{"message": "Invalid request."}`);
    return Number(text);
  };
  const tail = query.get('tail');
  const tailLines = tail === 'all' ? undefined : tail ? number('tail', 0) : number('tailLines', 0);
  const seconds = number('sinceSeconds', 1);
  const time = query.get('sinceTime');
  const since = seconds !== undefined ? now - seconds * 1000 : time ? Date.parse(time) : undefined;
  const limitBytes = number('limitBytes', 1);
  const stream = query.get('stream') || 'All';
  if (stream !== 'All' && stream !== 'Stdout' && stream !== 'Stderr') throw new Error(`invalid stream type "${stream}"`);
  return {
    follow: bool('follow'),
    previous: bool('previous'),
    timestamps: bool('timestamps'),
    ...(since === undefined || Number.isNaN(since) ? {} : { since }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    stream,
  };
}

const bare = (id: string | undefined): string => id?.split('://')[1] ?? '';

/** The container whose log is meant; throws upstream's words when there is none yet, or none any more. */
export function loggedContainer(podName: string, status: PodStatus, container: string, previous: boolean): string {
  const found = [status.containerStatuses, status.initContainerStatuses, status.ephemeralContainerStatuses]
    .flatMap((list) => list ?? [])
    .find(({ name }) => name === container);
  const where = `container "${container}" in pod "${podName}"`;
  if (!found) throw new Error(`${where} is not available`);
  const { state = {}, lastState = {}, containerID }: ContainerStatus = found;
  const last = bare(lastState.terminated?.containerID);
  if (previous) {
    if (!last) throw new Error(`previous terminated ${where} not found`);
    return last;
  }
  if (state.running) return bare(containerID);
  if (state.terminated || lastState.terminated) {
    const id = bare(state.terminated?.containerID) || last;
    if (!id) throw new Error(`${where} is terminated`);
    return id;
  }
  const reason = state.waiting?.reason ?? '';
  const why: Record<string, string> = { ErrImagePull: "image can't be pulled", ImagePullBackOff: 'trying and failing to pull image' };
  throw new Error(`${where} is waiting to start: ${why[reason] ?? reason}`);
}

const blockSize = 64 * 1024;

/** Where the last `lines` lines begin in the first `size` bytes. */
export async function tailStart(file: FileHandle, lines: number, size: number): Promise<number> {
  if (lines === 0) return size;
  let found = 0;
  for (let end = size; end > 0; ) {
    const length = Math.min(blockSize, end);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, end - length);
    for (let at = length - 1; at >= 0; at--) {
      if (buffer[at] !== 0x0a || end - length + at === size - 1) continue;
      if (++found === lines) return end - length + at + 1;
    }
    end -= length;
  }
  return 0;
}

export interface LogSource {
  path: string;
  /** Whether more may come. */
  running(): Promise<boolean>;
}

/** Calls `write` with what the caller is to get; resolves when there is no more. `write` waits for slow callers. */
export async function readLog(source: LogSource, options: LogOptions, write: (chunk: string) => Promise<void>, signal: AbortSignal): Promise<void> {
  let file = await open(source.path, 'r');
  const watcher = options.follow ? follower(source.path, signal) : undefined;
  try {
    const { size: there } = await file.stat();
    // Who does not follow gets what was there when he asked: a line that comes meanwhile would be one too many of the last lines.
    const end = options.follow ? Number.POSITIVE_INFINITY : there;
    let position = options.tailLines === undefined ? 0 : await tailStart(file, options.tailLines, there);
    let rest = '';
    let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
    const format = formatter(options);
    const decoder = new TextDecoder();
    const drain = async (): Promise<void> => {
      for (;;) {
        const length = Math.min(blockSize, end - position);
        const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
        if (bytesRead === 0 || signal.aborted) return;
        position += bytesRead;
        const lines = (rest + decoder.decode(buffer.subarray(0, bytesRead), { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        let out = lines.map(format).join('');
        const size = Buffer.byteLength(out);
        if (size > left) out = Buffer.from(out).subarray(0, left).toString();
        left -= size;
        if (out) await write(out);
        if (left <= 0) return;
      }
    };
    await drain();
    for (let ended = false; watcher && !signal.aborted && left > 0; ) {
      const now = await stat(source.path).catch(() => undefined);
      if (now && now.ino !== (await file.stat()).ino) {
        await drain();
        await file.close();
        file = await open(source.path, 'r');
        position = 0;
      }
      await drain();
      if (ended) break;
      ended = !(await source.running());
      if (!ended) await watcher.next();
    }
  } finally {
    watcher?.close();
    await file.close();
  }
}

function formatter({ since, timestamps, stream }: LogOptions): (line: string) => string {
  let fresh = true;
  return (line) => {
    const parsed = parseLogLine(line);
    if (!parsed) return '';
    if (since !== undefined && Date.parse(parsed.time) < since) return '';
    if (stream !== 'All' && parsed.stream !== stream.toLowerCase()) return '';
    const prefix = timestamps && fresh ? `${parsed.time} ` : '';
    fresh = !parsed.partial;
    return prefix + parsed.text;
  };
}

const pollMs = 1_000;

/** Resolves `next` when the file's directory has changed, or after a second. */
function follower(path: string, signal: AbortSignal): { next(): Promise<void>; close(): void } {
  let wake: (() => void) | undefined;
  let changed = false;
  const notify = (): void => {
    changed = true;
    wake?.();
  };
  const watcher = watch(dirname(path), notify);
  watcher.on('error', () => {}); // the directory may go: polling notices
  signal.addEventListener('abort', notify, { once: true });
  return {
    next: async () => {
      if (!changed) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, pollMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      changed = false;
      wake = undefined;
    },
    close: () => watcher.close(),
  };
}
