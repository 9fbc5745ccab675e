/** Shims: the processes that containerd leaves its containers to, so that they outlive it. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Shim {
  pid: number;
  /** Of the container, or the sandbox, that it was started for. */
  id: string;
}

/** Those of the containerd with that socket. */
export function shimsOf(socket: string): Shim[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        const after = (flag: string): string | undefined => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
        const id = after('-id');
        if (!args[0]?.includes('containerd-shim') || after('-address') !== socket || !id) return [];
        return [{ pid: Number(pid), id }];
      } catch {
        return []; // it ended meanwhile
      }
    });
}

export function endShims(shims: readonly Shim[]): void {
  for (const { pid } of shims) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
