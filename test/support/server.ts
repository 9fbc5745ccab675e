/** `knarr server` as a process of its own, as operators run it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, freePort, root } from '../e2e/cluster.ts';
import { kubectl } from './kubectl.ts';

export interface ServerProcess {
  pid: number;
  port: number;
  kubeconfig: string;
  /** What it wrote so far, both streams. */
  output(): string;
  /** As an operator would; resolves with its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Resolves when it answers; throws with what it said when it ends before that. */
export async function startServer(dataDir: string, args: readonly string[] = [], givenPort?: number): Promise<ServerProcess> {
  const port = givenPort ?? (await freePort());
  let said = '';
  const child: ChildProcess = spawn(join(root, 'knarr'), ['server', '--data-dir', dataDir, '--port', String(port), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const kubeconfig = join(dataDir, 'admin.kubeconfig');
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    child.kill(signal);
    return ended;
  };
  try {
    const dies = ended.then(() => Promise.reject(new Error(`the server ended: ${said}`)));
    const answers = eventually('the server answers', async () => {
      // One from a run before may be there, with another port.
      const its = existsSync(kubeconfig) && readFileSync(kubeconfig, 'utf8').includes(`:${port}\n`);
      return its && (child.exitCode !== null || (await kubectl(kubeconfig, ['get', '--raw', '/readyz'])).code === 0);
    });
    dies.catch(() => {}); // later it is no news
    await Promise.race([answers, dies]);
  } catch (error) {
    await stop('SIGKILL');
    throw error;
  }
  return { pid: child.pid ?? 0, port, kubeconfig, output: () => said, stop };
}
