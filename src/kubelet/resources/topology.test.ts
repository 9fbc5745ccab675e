/** What becomes of hints that don't agree; and memory by NUMA node. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { container, pod } from '../testing/pods.ts';
import { createAllocator } from './allocator.ts';
import { createMemoryManager, type MemoryManager } from './memory.ts';
import { bitsOf, type Hint, type Hints, mergeHints, type TopologyPolicy } from './topology.ts';

const nodes = [0, 1].map((id) => ({ id, memory: 0, hugePages: {}, distances: [10, 20] }));
const yes = (mask: number): Hint => ({ nodes: mask, preferred: true });
const no = (mask: number): Hint => ({ nodes: mask, preferred: false });

/** `0,1 preferred`: the nodes, and `-` before what is refused. */
function merged(policy: TopologyPolicy, ...providers: Hints[]): string {
  const { hint, admit } = mergeHints(providers, { policy, nodes });
  return `${admit ? '' : '-'}${hint.nodes === undefined ? 'any' : bitsOf(hint.nodes).join()}${hint.preferred ? ' preferred' : ''}`;
}

test('hints of several providers become one', () => {
  const table: [Hints[], string, string, string][] = [
    [[{}], '0,1 preferred', '0,1 preferred', 'any preferred'],
    [[{ gpu: undefined }], '0,1 preferred', '0,1 preferred', 'any preferred'],
    [[{ gpu: [] }], '0,1', '-0,1', '-any'],
    [[{ gpu: [yes(1)] }, {}], '0 preferred', '0 preferred', '0 preferred'],
    [[{ gpu: [yes(1), yes(2), no(3)] }, { cpu: [yes(2), no(3)] }], '1 preferred', '1 preferred', '1 preferred'],
    [[{ gpu: [yes(1)] }, { cpu: [yes(2)] }], '0,1', '-0,1', '-any'],
    [[{ gpu: [yes(1), no(3)] }, { cpu: [yes(2), no(3)] }], '0', '-0', '-any'],
    [[{ gpu: [no(1)] }, { cpu: [yes(1)] }], '0', '-0', '-any'],
    [[{ gpu: [yes(3)] }, { cpu: [yes(3)] }], '0,1 preferred', '0,1 preferred', '-any'],
    [[{ gpu: [yes(1), yes(2)], nic: [yes(2), no(3)] }], '1 preferred', '1 preferred', '1 preferred'],
  ];
  for (const [providers, bestEffort, restricted, single] of table) {
    const about = JSON.stringify(providers);
    assert.equal(merged('best-effort', ...providers), bestEffort, about);
    assert.equal(merged('restricted', ...providers), restricted, about);
    assert.equal(merged('single-numa-node', ...providers), single, about);
  }
});

test('of groups as small as each other the closest is taken, where the options say so', () => {
  const four = [
    [10, 30, 20, 30],
    [30, 10, 30, 20],
    [20, 30, 10, 30],
    [30, 20, 30, 10],
  ].map((distances, id) => ({ id, memory: 0, hugePages: {}, distances }));
  const hints = [{ cpu: [yes(0b0011), yes(0b0101), yes(0b1010)] }];
  const chosen = (preferClosest: boolean): number[] => bitsOf(mergeHints(hints, { policy: 'restricted', nodes: four, preferClosest }).hint.nodes ?? 0);
  assert.deepEqual(
    [chosen(false), chosen(true)],
    [
      [0, 1],
      [0, 2],
    ],
  );
});

const gibi = 2 ** 30;
const asks = (uid: string, memory: string): Pod =>
  pod({ containers: [container('main', { resources: { limits: { cpu: '500m', memory }, requests: { cpu: '500m', memory } } })] }, { uid });

test('memory comes from one NUMA node, or from a group that nobody else tears apart', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'mem-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'memory_manager_state');
  const machine = nodes.map((node) => ({ ...node, memory: 4 * gibi }));
  const start = (): MemoryManager => createMemoryManager({ nodes: machine, reserved: new Map([[0, { memory: gibi }]]), file });
  const manager = start();
  const allocate = async (wanted: Pod, policy: TopologyPolicy = 'restricted'): Promise<string> => {
    const refusal = await createAllocator({ providers: [manager], policy, scope: 'pod', nodes }).allocate(wanted);
    return refusal
      ? `${refusal.reason}: ${refusal.message}`
      : manager
          .blocks(wanted.metadata.uid ?? '', 'main')
          .map(({ nodes: on, size }) => `${on} ${size / gibi}`)
          .join();
  };
  assert.deepEqual(
    manager.allocatable().map(({ size }) => size / gibi),
    [3, 4],
  );
  assert.equal(await allocate(asks('three', '3Gi')), '0 3');
  assert.equal(await allocate(asks('two', '2Gi')), '1 2');
  assert.match(await allocate(asks('more', '3Gi')), /failed to find NUMA nodes to extend the current topology hint/);
  assert.equal(
    await allocate(asks('more', '3Gi'), 'none'),
    'UnexpectedAdmissionError: Allocate failed due to [memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is available, which is unexpected',
  );
  manager.release('three');
  manager.release('two');
  assert.equal(await allocate(asks('large', '6Gi')), '0,1 6');
  assert.match(await allocate(asks('one', '1Gi'), 'none'), /failed to find the default preferred hint/, 'both nodes serve the group alone');
  assert.deepEqual(start().blocks('large', 'main'), [{ nodes: [0, 1], type: 'memory', size: 6 * gibi }]);
  assert.throws(() => createMemoryManager({ nodes: machine, reserved: new Map(), file }), /you should specify the system reserved memory/);
});
