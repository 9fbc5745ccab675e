/** How late the turns of the server that is measured came: it writes that down where `BENCH_LOOP_DELAY` says (`loopdelay.ts`). */
import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningTarget } from './targets.ts';

/** Milliseconds since the last time they were asked for; no numbers of a server that is not knarr. */
export interface Delays {
  p99: number;
  max: number;
}

export async function readDelays(target: RunningTarget, file: string): Promise<Delays> {
  if (target.name !== 'knarr') return { p99: Number.NaN, max: Number.NaN };
  rmSync(file, { force: true });
  process.kill(target.pids[0] as number, 'SIGUSR2');
  for (;;) {
    await sleep(20);
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Delays;
    } catch {
      // Not written yet, or not to its end.
    }
  }
}
