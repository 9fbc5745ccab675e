/**
 * One supervised process: started, watched, started again with back-off when it dies, adopted when a supervisor before left it running.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { writeAtomically } from '../config.ts';

export interface ChildSpec {
  /** `server`, `node-1/containerd`, `node-1/agent`: unique, shown by `status` and `logs`. */
  name: string;
  program: string;
  args: readonly string[];
  env?: Record<string, string>;
  logFile: string;
  pidFile: string;
}

export interface ChildStatus {
  name: string;
  pid: number | undefined;
  restarts: number;
  startedAt: string | undefined;
}

const firstBackoffMs = 100;
const maxBackoffMs = 5_000;
/** A process that lived this long counts as healthy: the next restart is immediate again. */
const healthyAfterMs = 10_000;
const adoptedPollMs = 250;

/** A process id alone may be reused; with its start time (field 22 of `/proc/<pid>/stat`) it names one process. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** The process that a pid file names, if it is still that one. A file `<pid> <start time>`. */
export function runningPid(pidFile: string): number | undefined {
  let content: string;
  try {
    content = readFileSync(pidFile, 'utf8');
  } catch {
    return undefined;
  }
  const [pid, started] = content.trim().split(' ');
  if (!pid) return undefined;
  const now = startTime(Number(pid));
  if (now === undefined && process.platform !== 'linux') return isAlive(Number(pid)) ? Number(pid) : undefined;
  return now !== undefined && now === started ? Number(pid) : undefined;
}

export const writePid = (pidFile: string, pid: number): void => writeAtomically(pidFile, `${pid} ${startTime(pid) ?? ''}\n`);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export class SupervisedChild {
  readonly spec: ChildSpec;
  #pid: number | undefined;
  #restarts = 0;
  #startedAt = 0;
  #backoffMs = firstBackoffMs;
  #stopping = false;
  #ended: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  readonly #onEvent: (message: string) => void;

  constructor(spec: ChildSpec, onEvent: (message: string) => void) {
    this.spec = spec;
    this.#onEvent = onEvent;
  }

  status(): ChildStatus {
    return {
      name: this.spec.name,
      pid: this.#pid,
      restarts: this.#restarts,
      startedAt: this.#pid === undefined ? undefined : new Date(this.#startedAt).toISOString(),
    };
  }

  /** Keeps the process running until `stop`. */
  start(): void {
    this.#ended = this.#keepRunning();
  }

  async #keepRunning(): Promise<void> {
    while (!this.#stopping) {
      const code = await this.#runOnce();
      if (this.#stopping) return;
      this.#restarts++;
      const healthy = Date.now() - this.#startedAt > healthyAfterMs;
      this.#onEvent(`${this.spec.name} ended (${code}); starting it again ${healthy ? 'at once' : `in ${this.#backoffMs} ms`}`);
      if (!healthy) await this.#sleep(this.#backoffMs);
      this.#backoffMs = healthy ? firstBackoffMs : Math.min(this.#backoffMs * 2, maxBackoffMs);
    }
  }

  async #runOnce(): Promise<string> {
    this.#startedAt = Date.now();
    const adopted = runningPid(this.spec.pidFile);
    if (adopted !== undefined) {
      this.#pid = adopted;
      this.#startedAt = statSync(this.spec.pidFile).mtimeMs;
      this.#onEvent(`${this.spec.name} is running already (pid ${adopted})`);
      while (runningPid(this.spec.pidFile) === adopted) await this.#sleep(adoptedPollMs);
      this.#pid = undefined;
      return 'adopted process gone';
    }
    const log = openSync(this.spec.logFile, 'a', 0o600);
    const child = spawn(this.spec.program, this.spec.args, {
      stdio: ['ignore', log, log],
      detached: true,
      env: { ...process.env, ...this.spec.env },
    });
    closeSync(log);
    return new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('spawn', () => {
        this.#pid = child.pid;
        writePid(this.spec.pidFile, child.pid as number);
      });
      child.once('exit', (code, signal) => {
        this.#pid = undefined;
        resolve(signal ?? `exit code ${code}`);
      });
    });
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** SIGTERM, and no restart; for a process that is itself about to end and can't wait. */
  terminate(): void {
    this.#stopping = true;
    const pid = this.#pid ?? runningPid(this.spec.pidFile);
    if (pid !== undefined) signal(pid, 'SIGTERM');
  }

  /** SIGTERM, then SIGKILL after `graceMs`; resolves when the process is gone and its pid file removed. */
  async stop(graceMs = 10_000): Promise<void> {
    this.#stopping = true;
    const pid = this.#pid ?? runningPid(this.spec.pidFile);
    if (pid !== undefined) {
      signal(pid, 'SIGTERM');
      const deadline = Date.now() + graceMs;
      while (runningPid(this.spec.pidFile) === pid && isAlive(pid)) {
        if (Date.now() > deadline) signal(pid, 'SIGKILL');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    this.#wake?.();
    await this.#ended;
    rmSync(this.spec.pidFile, { force: true });
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
