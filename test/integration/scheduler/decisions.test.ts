/** Decisions about generated clusters against those of upstream's kube-scheduler 1.36.2, recorded by `decisions/record.ts`. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generateCluster } from './decisions/generate.ts';
import { formatRecord } from './decisions/recorded.ts';
import { buildCluster, replay } from './decisions/replay.ts';

const recorded = readFileSync(new URL('./decisions/recorded.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const seedOf = (line: string): number => Number(line.split('.')[0]);

test('feasible nodes, victims of preemption and what is said of a pod are those of upstream, for thousands of generated pods', async () => {
  assert.ok(recorded.length >= 2_000);
  for (const [seed, lines] of Map.groupBy(recorded, seedOf)) {
    const cluster = generateCluster(seed);
    const built = buildCluster(cluster);
    const decided: string[] = [];
    for (const [index, pod] of cluster.waiting.entries()) decided.push(formatRecord(seed, index, await replay(built, pod), cluster));
    assert.deepEqual(decided, lines);
  }
});
