/** systemd-logind as far as a shutdown goes: holding it up, and hearing of it. Spoken to through systemd's own programs. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);
const manager = 'org.freedesktop.login1.Manager';

export interface Logind {
  available(): boolean;
  /** Milliseconds that a shutdown can be held up at most. */
  maxDelay(): Promise<number>;
  /** Has logind wait that many milliseconds at most. Resolves when it was told; the function that it gives takes that back. */
  setMaxDelay(name: string, ms: number): Promise<() => Promise<void>>;
  /** Holds up shutdowns until called, or until this process ends. */
  inhibit(): Promise<() => void>;
  /** true when the machine is about to go down, false when it was called off. Ends with an error when the bus is lost. */
  shutdowns(signal: AbortSignal): AsyncIterable<boolean>;
}

/** Gone when the machine goes down; what an administrator sets under `/etc` stays. */
const dropIns = '/run/systemd/logind.conf.d';

/** `programs` is where `busctl` and `systemd-inhibit` are found, before the path. */
export function createLogind(socket = '/run/dbus/system_bus_socket', programs = '', directory = dropIns): Logind {
  const program = (name: string): string => (programs ? `${programs}/${name}` : name);
  const reload = async (): Promise<void> => {
    const systemd = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'];
    await run(program('busctl'), ['call', ...systemd, 'KillUnit', 'ssi', 'systemd-logind.service', 'all', '1']); // SIGHUP
  };
  return {
    available: () => existsSync(socket),
    setMaxDelay: async (name, ms) => {
      // The last one in the order of names holds.
      const file = join(directory, `zz-${name}.conf`);
      await mkdir(directory, { recursive: true });
      await writeFile(file, `# By the kubelet of ${name}, for its shutdownGracePeriod\n[Login]\nInhibitDelayMaxSec=${Math.ceil(ms / 1000)}\n`);
      await reload();
      return async () => {
        await rm(file, { force: true });
        await reload();
      };
    },
    maxDelay: async () => {
      const { stdout } = await run(program('busctl'), ['get-property', 'org.freedesktop.login1', '/org/freedesktop/login1', manager, 'InhibitDelayMaxUSec']);
      return Number(/^t (\d+)/.exec(stdout)?.[1] ?? 0) / 1000;
    },
    inhibit: async () => {
      // `cat` ends with its standard input: when it is closed, or this process is gone.
      const args = ['--what=shutdown', '--who=kubelet', '--why=Kubelet needs time to handle node shutdown', '--mode=delay', 'cat'];
      const child = spawn(program('systemd-inhibit'), args, { stdio: ['pipe', 'pipe', 'ignore'] });
      child.stdin.on('error', () => {}); // it may end by itself
      await new Promise<void>((resolve, reject) => {
        child.once('error', reject).once('exit', (code) => reject(new Error(`systemd-inhibit ended with ${code}`)));
        child.stdout.once('data', () => resolve());
        child.stdin.write('held\n'); // comes back as soon as the lock is taken
      });
      child.stdout.resume();
      return () => void child.stdin.end();
    },
    shutdowns: async function* (signal) {
      const match = `--match=type='signal',interface='${manager}',member='PrepareForShutdown'`;
      const child = spawn(program('busctl'), ['--json=short', match, 'monitor'], { stdio: ['ignore', 'pipe', 'ignore'] });
      let failure: Error | undefined;
      child.once('error', (error) => {
        failure = error;
      });
      const end = (): void => void child.kill();
      signal.addEventListener('abort', end, { once: true });
      try {
        for await (const line of createInterface({ input: child.stdout })) {
          const { member, payload } = JSON.parse(line) as { member?: string; payload?: { data?: unknown[] } };
          if (member === 'PrepareForShutdown') yield payload?.data?.[0] === true;
        }
        if (!signal.aborted) throw failure ?? new Error('the bus was lost');
      } finally {
        signal.removeEventListener('abort', end);
        end();
      }
    },
  };
}
