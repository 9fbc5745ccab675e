/** Which CPUs containers get, on machines of several shapes. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { container, pod } from '../testing/pods.ts';
import { createAllocator } from './allocator.ts';
import { takePacked } from './assign.ts';
import { cpuOptionsOf } from './cpuoptions.ts';
import { type CpuManager, type CpuManagerInput, createCpuManager } from './cpus.ts';
import { formatCpuSet, parseCpuSet } from './cpuset.ts';
import { takeDistributed } from './distribute.ts';
import type { Cpu, Machine } from './machine.ts';

/** The second thread of a core comes after the first threads of all, as on most machines. */
function cpus(sockets: number, nodesPerSocket: number, coresPerNode: number, threads = 2): Cpu[] {
  const cores = sockets * nodesPerSocket * coresPerNode;
  return Array.from({ length: cores * threads }, (_, id) => {
    const core = id % cores;
    const node = Math.floor(core / coresPerNode);
    return { id, core, node, socket: Math.floor(node / nodesPerSocket), cache: node * coresPerNode };
  });
}
const machineOf = (all: Cpu[]): Machine => ({
  cpus: all,
  nodes: [...new Set(all.map(({ node }) => node))].map((id) => ({ id, memory: 1 << 30, hugePages: {}, distances: [10] })),
});

test('CPUs come in whole sockets, cores, and last as single ones', () => {
  const small = cpus(1, 1, 4);
  const two = cpus(2, 1, 3);
  const table: [Cpu[], string, number, string][] = [
    [small, '0-7', 0, ''],
    [small, '0-7', 1, '0'],
    [small, '1,3,5-7', 1, '6'],
    [small, '0-7', 2, '0,4'],
    [small, '0-3,6', 2, '2,6'],
    [small, '0-7', 8, '0-7'],
    [two, '0-11', 1, '0'],
    [two, '1-11', 6, '3-5,9-11'],
    [two, '0-11', 8, '0-3,6-9'],
    [two, '0-1,3,6-7', 3, '0,3,6'],
  ];
  for (const [all, available, count, expected] of table)
    assert.equal(formatCpuSet(takePacked(all, parseCpuSet(available), count)), expected, `${count} of ${available}`);
  assert.throws(() => takePacked(small, parseCpuSet('0,2,4,6'), 5), /^Error: not enough cpus available to satisfy request: requested=5, available=4$/);
});

test('CPUs are taken evenly from several NUMA nodes', () => {
  const four = cpus(2, 2, 4);
  const table: [string, number, number, string][] = [
    ['0-31', 8, 1, '0-3,16-19'],
    ['0-31', 16, 1, '0-7,16-23'],
    ['0-31', 12, 2, '0-2,4-6,16-18,20-22'],
    ['2-31', 12, 2, '4-6,8-10,20-22,24-26'],
  ];
  for (const [available, count, group, expected] of table)
    assert.equal(formatCpuSet(takeDistributed(four, parseCpuSet(available), count, group)), expected, `${count} of ${available}`);
});

const guaranteed = (uid: string, ...amounts: string[]): Pod => {
  const containers = amounts.map((cpu, index) => container(`c${index}`, { resources: { limits: { cpu, memory: '1Gi' }, requests: { cpu, memory: '1Gi' } } }));
  return pod({ containers }, { uid });
};

interface Started {
  manager: CpuManager;
  file: string;
  allocate(pod: Pod, policy?: 'none' | 'restricted'): Promise<string>;
  again(more?: Partial<CpuManagerInput>): CpuManager;
}

async function start(t: TestContext, all: Cpu[], more: Partial<CpuManagerInput> = {}): Promise<Started> {
  const directory = await mkdtemp(join(tmpdir(), 'cpu-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'cpu_manager_state');
  const machine = machineOf(all);
  const again = (other: Partial<CpuManagerInput> = {}): CpuManager =>
    createCpuManager({ machine, reservedMilli: 1000, options: cpuOptionsOf({}), file, ...more, ...other });
  const manager = again();
  return {
    manager,
    file,
    again,
    allocate: async (wanted, policy = 'none') => {
      const refusal = await createAllocator({ providers: [manager], policy, scope: 'container', nodes: machine.nodes }).allocate(wanted);
      if (refusal) return `${refusal.reason}: ${refusal.message}`;
      return wanted.spec.containers.map(({ name }) => formatCpuSet(manager.exclusive(wanted.metadata.uid ?? '', name) ?? [])).join(' ');
    },
  };
}

test('guaranteed containers that ask for whole CPUs have them alone, over restarts too', async (t) => {
  const { manager, allocate, again, file } = await start(t, cpus(1, 1, 4));
  assert.equal(formatCpuSet(manager.allocatable()), '1-7');
  assert.equal(await allocate(guaranteed('one', '2')), '1,5');
  assert.equal(await allocate(guaranteed('half', '1500m')), '');
  assert.equal(await allocate(guaranteed('two', '1', '2')), '4 2,6');
  assert.equal(formatCpuSet(manager.shared()), '0,3,7');
  assert.equal(
    await allocate(guaranteed('three', '3')),
    'UnexpectedAdmissionError: Allocate failed due to not enough cpus available to satisfy request: requested=3, available=2, which is unexpected',
  );
  const next = again();
  assert.equal(formatCpuSet(next.shared()), '0,3,7');
  next.release('two');
  assert.equal(formatCpuSet(next.shared()), '0,2-4,6-7');

  assert.throws(() => again({ machine: machineOf(cpus(1, 1, 2)) }), /current set of available CPUs "0-3" doesn't match with CPUs in state "0-7"/);
  assert.throws(() => again({ reserved: parseCpuSet('1') }), /not all reserved cpus: "1" are present in defaultCpuSet: "0,2-4,6-7"/);
  await writeFile(file, (await readFile(file, 'utf8')).replace('0,2-4', '0-4'));
  assert.throws(() => again(), /corrupted/);
});

test('init containers hand their CPUs on', async (t) => {
  const { manager, allocate } = await start(t, cpus(1, 1, 4));
  const wanted = guaranteed('one', '2', '1');
  const [first, second] = wanted.spec.containers;
  assert.ok(first && second);
  wanted.spec.initContainers = [{ ...first, name: 'init' }];
  assert.equal(await allocate(wanted), '1,5 4');
  assert.equal(formatCpuSet(manager.exclusive('one', 'init') ?? []), '1,5');
});

test('whole cores alone, and no shared pool on what is reserved, where the options say so', async (t) => {
  const whole = await start(t, cpus(1, 1, 4), { options: cpuOptionsOf({ 'full-pcpus-only': 'true', 'strict-cpu-reservation': 'true' }) });
  assert.equal(formatCpuSet(whole.manager.shared()), '1-7');
  assert.equal(await whole.allocate(guaranteed('odd', '3')), 'SMTAlignmentError: SMT Alignment Error: requested 3 cpus not multiple cpus per core = 2');
  assert.equal(await whole.allocate(guaranteed('four', '4')), '1-2,5-6');
  assert.equal(
    await whole.allocate(guaranteed('more', '4')),
    'SMTAlignmentError: SMT Alignment Error: not enough free physical CPUs: available physical CPUs = 2, requested CPUs = 4, CPUs per core = 2',
  );
  assert.throws(() => cpuOptionsOf({ 'no-such': 'true' }), /unknown CPU Manager Policy option: "no-such"/);
  assert.throws(() => cpuOptionsOf({ 'align-by-socket': 'true' }), /Alpha-level Options not enabled/);
});

test('CPUs of one NUMA node, or of none where the policy is strict', async (t) => {
  const { allocate } = await start(t, cpus(2, 1, 3));
  assert.equal(await allocate(guaranteed('four', '4'), 'restricted'), '1-2,7-8');
  assert.equal(await allocate(guaranteed('five', '5'), 'restricted'), '3-5,9-10');
  assert.equal(await allocate(guaranteed('two', '2'), 'restricted'), 'TopologyAffinityError: Resources cannot be allocated with Topology locality');
  assert.equal(await allocate(guaranteed('two', '2'), 'none'), '6,11');
});
