/** The termination message of a container: what it wrote to its file, or with FallbackToLogsOnError the end of its log. */
import { open } from 'node:fs/promises';
import type { ContainerStatus } from '../cri/types.gen.ts';
import { messagePathAnnotation, messagePolicyAnnotation } from '../runtime/labels.ts';
import { parseLogLine } from '../server/logline.ts';

const maxMessage = 4096;
const maxLogLines = 80;
const maxLogBytes = 2048;

async function tailBytes(path: string, limit: number): Promise<Buffer | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return undefined;
  try {
    const { size } = await file.stat();
    const length = Math.min(size, limit);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function endOfLog(path: string): Promise<string> {
  const raw = (await tailBytes(path, 64 * 1024))?.toString() ?? '';
  const text = raw
    .split('\n')
    .slice(-maxLogLines - 1)
    .map((line) => parseLogLine(line)?.text ?? '')
    .join('');
  return Buffer.from(text).subarray(-maxLogBytes).toString();
}

/** For an exited container; also joins what the runtime itself had to say. */
export async function terminationMessage(status: ContainerStatus): Promise<string> {
  const annotations = status.annotations ?? {};
  const path = annotations[messagePathAnnotation] ?? '';
  const fallback = annotations[messagePolicyAnnotation] === 'FallbackToLogsOnError' && status.exitCode !== 0 && status.reason !== 'ContainerCannotRun';
  const mount = path ? status.mounts?.find(({ containerPath }) => containerPath === path) : undefined;
  let text = mount?.hostPath ? ((await tailBytes(mount.hostPath, maxMessage))?.toString() ?? '') : '';
  if (text === '' && fallback && status.logPath) text = await endOfLog(status.logPath);
  const own = status.message ?? '';
  return own && text ? `${own}: ${text}` : own || text;
}
