/** Brings image archives into a containerd: CRI has no call for it, so containerd's own `ctr` does it. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface ImportTarget {
  socket: string;
  snapshotter: string;
  /** `ctr` on the PATH when absent. */
  ctr?: string;
}

/** Imports an archive (a file's path, or its bytes) into the namespace that CRI uses. Returns the names of its images. */
export async function importImages({ socket, snapshotter, ctr = 'ctr' }: ImportTarget, archive: string | Uint8Array): Promise<string[]> {
  const fromFile = typeof archive === 'string';
  const args = ['--address', socket, '--namespace', 'k8s.io', 'images', 'import', '--snapshotter', snapshotter, fromFile ? archive : '-'];
  const child = spawn(ctr, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  child.stdin.on('error', () => {}); // a ctr that dies early says why on stderr
  child.stdin.end(fromFile ? undefined : archive);
  const [code, stdout, stderr] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
  if (code !== 0) throw new Error(`ctr images import failed: ${stderr.trim() || `exit code ${code}`}`);
  return namesIn(stdout);
}

/** containerd 1.x says `unpacking NAME (…)`, 2.x `NAME saved`. */
export const namesIn = (output: string): string[] =>
  output.split('\n').flatMap((line) => /^unpacking (\S+) |^(\S+)\s+saved\s*$/.exec(line)?.slice(1).find(Boolean) ?? []);
