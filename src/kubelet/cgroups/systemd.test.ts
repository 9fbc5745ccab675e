import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pod } from '../testing/pods.ts';
import type { CgroupHierarchy } from './hierarchy.ts';
import { createPodCgroups } from './pods.ts';
import { limitProperties, openSlices, sliceName, slicePath, sliceProperties, systemdProblem } from './systemd.ts';

test('a group has the name and the place that systemd gives a slice', () => {
  const path = '/knarr-1a2b/node-1/kubepods/burstable/pod12-34';
  assert.equal(sliceName(path), 'knarr_1a2b-node_1-kubepods-burstable-pod12_34.slice');
  assert.equal(slicePath('/knarr-1a2b/node-1/kubepods'), '/knarr_1a2b.slice/knarr_1a2b-node_1.slice/knarr_1a2b-node_1-kubepods.slice');
});

test('limits are properties of the unit; what has no limit is said to have none', () => {
  const none = '18446744073709551615';
  assert.deepEqual(limitProperties({}), [
    ['CPUQuotaPerSecUSec', 't', none],
    ['CPUQuotaPeriodUSec', 't', '100000'],
    ['MemoryMax', 't', none],
    ['TasksMax', 't', none],
  ]);
  assert.deepEqual(limitProperties({ cpuShares: 1024, cpuQuota: 25_050, memory: 64 << 20, pids: 100 }), [
    ['CPUWeight', 't', '39'],
    // 250.5 ms of CPU per second are counted as 26 %.
    ['CPUQuotaPerSecUSec', 't', '260000'],
    ['CPUQuotaPeriodUSec', 't', '100000'],
    ['MemoryMax', 't', '67108864'],
    ['TasksMax', 't', '100'],
  ]);
  assert.deepEqual(sliceProperties('a-b.slice').slice(0, 3), [
    ['Description', 's', 'control group a-b.slice'],
    ['Wants', 'as', '1', 'a.slice'],
    ['DefaultDependencies', 'b', 'false'],
  ]);
  assert.equal(sliceProperties('a.slice')[1]?.[0], 'DefaultDependencies');
});

test('slices are started, changed and stopped over the bus, and nothing is said twice', async () => {
  const mount = await mkdtemp(join(tmpdir(), 'slices-'));
  const calls: string[][] = [];
  const written: string[] = [];
  const files = {
    version: 2,
    ensure: async (path: string) => void written.push(path),
    remove: async () => {},
  } as unknown as CgroupHierarchy;
  const path = slicePath('/n/kubepods');
  const bus = async (args: readonly string[]): Promise<void> => {
    const [method = '', signature = ''] = args.slice(4);
    calls.push([method, signature, ...args.slice(6, 9)]);
    if (method === 'StartTransientUnit') await mkdir(join(mount, path), { recursive: true });
    if (method === 'StopUnit') await rm(join(mount, path), { recursive: true });
  };
  try {
    const slices = openSlices(bus, files, mount);
    await slices.ensure(path, { memory: 1 });
    await slices.ensure(path, { memory: 1 });
    await slices.ensure(path, { memory: 2 });
    await openSlices(bus, files, mount).ensure(path, { memory: 2 });
    await slices.remove(path);
    await slices.remove(path);
    assert.deepEqual(calls, [
      ['StartTransientUnit', 'ssa(sv)a(sa(sv))', 'n-kubepods.slice', 'fail', '11'],
      ['SetUnitProperties', 'sba(sv)', 'n-kubepods.slice', 'true', '4'],
      ['SetUnitProperties', 'sba(sv)', 'n-kubepods.slice', 'true', '4'],
      ['StopUnit', 'ss', 'n-kubepods.slice', 'replace'],
    ]);
    assert.equal(written.length, 3);
    await assert.rejects(openSlices(() => Promise.reject(new Error('Access denied')), files, mount).ensure(path, {}), /Access denied/);
  } finally {
    await rm(mount, { recursive: true, force: true });
  }
});

test("pods' groups are slices with the systemd driver", () => {
  const groups = createPodCgroups({ driver: 'systemd', root: '/k-1/n' }, -1, {} as CgroupHierarchy);
  const one = pod({}, { name: 'p', uid: 'aa-bb' });
  assert.equal(groups.parent(one), 'k_1-n-kubepods-besteffort-podaa_bb.slice');
  assert.ok(groups.path(one).endsWith('/k_1-n-kubepods-besteffort.slice/k_1-n-kubepods-besteffort-podaa_bb.slice'));
  assert.deepEqual(groups.tiers, ['/k-1/n/kubepods/burstable', '/k-1/n/kubepods/besteffort'].map(slicePath));
});

test('systemd has to run the machine, with one hierarchy for all', () => {
  assert.match(systemdProblem('/nowhere', 2) ?? '', /not process 1/);
  assert.match(systemdProblem(tmpdir(), 1) ?? '', /version 2 is needed/);
  assert.equal(systemdProblem(tmpdir(), 2), undefined);
});
