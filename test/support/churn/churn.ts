/** A cluster under churn, whose control plane is killed at random; at the end everything is as it would be had nobody been killed. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { transportFromKubeconfig } from '../../../src/client/kubeconfig.ts';
import { createClient } from '../../../src/client/rest.ts';
import { randomAt } from '../fuzz/random.ts';
import { during } from './during.ts';
import { findings } from './endstate.ts';
import { everything, fingerprint } from './everything.ts';
import { killAtRandom, startProcesses } from './processes.ts';
import { churnNamespace } from './workload.ts';

export interface ChurnOptions {
  seed: number;
  milliseconds: number;
  /** Each with churn of its own. */
  namespaces: number;
  nodes: number;
}

export interface ChurnReport {
  writes: number;
  kills: Record<string, number>;
  objects: number;
}

const prefix = 'churn-';
const shownFindings = 40;
/** Of a loaded machine, and of the longest back-off of a controller. */
const restMs = 180_000;

export const seedOf = (fallback: number): number => Number(process.env['KNARR_CHURN_SEED'] ?? fallback);

/** Throws with what is wrong at the end. `KNARR_CHURN_KILLS=none` kills nobody: what is found then is not about crashes. */
export async function churn({ seed, milliseconds, namespaces, nodes }: ChurnOptions): Promise<ChurnReport> {
  await using cleanup = new AsyncDisposableStack();
  const dataDir = mkdtempSync(join(tmpdir(), 'knarr-churn-'));
  cleanup.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  const processes = cleanup.use(await startProcesses({ dataDir, nodes }));
  for (const one of processes.killables) await one.working();
  const client = createClient(await transportFromKubeconfig(processes.kubeconfig));
  cleanup.defer(() => client.close());

  const victims = process.env['KNARR_CHURN_KILLS'] === 'none' ? [] : processes.killables;
  const [kills, ...wanted] = await during(milliseconds, [
    (signal): Promise<Record<string, number>> => (victims.length > 0 ? killAtRandom(victims, randomAt(seed, 1_000_000), signal) : Promise.resolve({})),
    ...Array.from({ length: namespaces }, (_, index) => (signal: AbortSignal) => churnNamespace(client, `${prefix}${index}`, randomAt(seed, index), signal)),
  ]).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${processes.said()}`, { cause: error });
  });

  let wrong: string[] = [];
  let before = '';
  const deadline = Date.now() + restMs;
  for (;;) {
    const cluster = await everything(client);
    wrong = findings(cluster, wanted, prefix);
    const now = fingerprint(cluster);
    if (wrong.length === 0 && now === before) return { writes: wanted.reduce((sum, its) => sum + its.writes, 0), kills, objects: cluster.all.length };
    if (Date.now() > deadline) break;
    before = now;
    await sleep(1_000);
  }
  const shown = wrong.length === 0 ? ['everything is right, but somebody goes on writing'] : wrong.slice(0, shownFindings);
  assert.fail(`after ${restMs / 1000} s, with kills ${JSON.stringify(kills)}:\n${shown.join('\n')}\n${processes.said()}`);
}

export const reportOf = ({ writes, kills, objects }: ChurnReport): string => `${writes} writes, killed ${JSON.stringify(kills)}, ${objects} objects at the end`;
