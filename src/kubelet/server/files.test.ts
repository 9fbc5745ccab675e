import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CgroupHierarchy } from '../cgroups/hierarchy.ts';
import { groupUsage } from '../cgroups/usage.ts';
import { treeUsage } from '../node/du.ts';
import { parseInterfaces } from './cadvisor.ts';
import { expiresSoon, selfSignedCertificate } from './certificate.ts';
import { family } from './exposition.ts';
import { logFile } from './systemlogs.ts';

async function inDirectory(task: (place: string) => Promise<void>): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), 'files-'));
  try {
    await task(place);
  } finally {
    await rm(place, { recursive: true });
  }
}

test('files of the log directory are found, and nothing outside of it', () =>
  inDirectory(async (place) => {
    await mkdir(join(place, 'log/pods'), { recursive: true });
    await writeFile(join(place, 'log/a.log'), 'x');
    await writeFile(join(place, 'secret'), 'x');
    await symlink('../secret', join(place, 'log/out'));
    await symlink('../a.log', join(place, 'log/pods/in'));
    const root = join(place, 'log');
    assert.equal(await logFile('/a.log', root), join(root, 'a.log'));
    assert.equal(await logFile('/pods/in', root), join(root, 'a.log'));
    assert.equal(await logFile('/', root), root);
    for (const path of ['/../secret', '/out', '/none']) await assert.rejects(logFile(path, root), { message: '404 page not found' });
  }));

test('a tree is measured with all that is in it', () =>
  inDirectory(async (place) => {
    await mkdir(join(place, 'a/b'), { recursive: true });
    await writeFile(join(place, 'a/b/c'), Buffer.alloc(10_000));
    const { bytes, inodes } = await treeUsage(place);
    assert.equal(inodes, 4);
    assert.ok(bytes >= 10_000, String(bytes));
    assert.deepEqual(await treeUsage(join(place, 'none')), { bytes: 0, inodes: 0 });
  }));

const hierarchy = (version: 1 | 2, files: Record<string, string>): CgroupHierarchy =>
  ({
    version,
    read: async (_: string, __: string, file: string) => {
      const text = files[file];
      if (text === undefined) throw new Error('ENOENT');
      return text;
    },
  }) as unknown as CgroupHierarchy;

test('both versions of control groups tell the same', async () => {
  const one = await groupUsage(
    hierarchy(1, {
      'cgroup.procs': '7\n8\n',
      'cpuacct.usage': '2500000000\n',
      'cpuacct.stat': 'user 100\nsystem 50\n',
      'cpu.stat': 'nr_periods 4\nnr_throttled 2\nthrottled_time 1000000000\n',
      'cpu.shares': '102\n',
      'cpu.cfs_quota_us': '50000\n',
      'cpu.cfs_period_us': '100000\n',
      'memory.stat': 'total_inactive_file 100\ntotal_rss 300\ntotal_pgfault 9\n',
      'memory.usage_in_bytes': '1000\n',
      'memory.limit_in_bytes': '9223372036854771712\n',
      'blkio.throttle.io_service_bytes': '254:0 Read 10\n254:0 Write 20\nTotal 30\n',
      'pids.current': '3\n',
      'pids.max': 'max\n',
    }),
    '/x',
  );
  assert.deepEqual(one?.cpu, { total: 2.5, user: 1, system: 0.5 });
  assert.deepEqual([one?.memory?.workingSet, one?.memory?.rss, one?.memory?.pageFaults], [900, 300, 9]);
  assert.deepEqual(one?.spec, { shares: 102, period: 100_000, quota: 50_000 });
  assert.deepEqual([one?.processes, one?.pids], [[7, 8], { threads: 3, limit: 0 }]);
  assert.deepEqual([...(one?.disks ?? [])], [['254:0', { readBytes: 10, writeBytes: 20, reads: 0, writes: 0 }]]);
  const two = await groupUsage(
    hierarchy(2, {
      'cgroup.procs': '7\n',
      'cpu.stat': 'usage_usec 2500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 4\nnr_throttled 2\nthrottled_usec 1000000\n',
      'cpu.max': '50000 100000\n',
      'memory.current': '1000\n',
      'memory.stat': 'anon 300\ninactive_file 100\n',
      'memory.max': '4096\n',
      'memory.events': 'oom 2\noom_kill 1\n',
      'io.stat': '254:0 rbytes=10 wbytes=20 rios=1 wios=2\n',
      'cpu.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n',
    }),
    '/x',
  );
  assert.deepEqual(two?.cpu, one?.cpu);
  assert.deepEqual(two?.throttling, one?.throttling);
  assert.deepEqual([two?.memory?.workingSet, two?.memory?.rss, two?.oomKills, two?.spec.memoryLimit], [900, 300, 1, 4096]);
  assert.deepEqual([...(two?.pressure ?? [])], [['cpu', { some: 2, full: 1 }]]);
  assert.equal(await groupUsage(hierarchy(2, {}), '/none'), undefined);
});

test('interfaces of a network namespace', () => {
  const text = 'Inter-|\n face |bytes\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0: 10 2 3 4 0 0 0 0 20 5 6 7 0 0 0 0\n';
  assert.deepEqual(parseInterfaces(text), [{ name: 'eth0', rx: [10, 2, 3, 4], tx: [20, 5, 6, 7] }]);
});

test('a sample may say when it was taken', () => {
  assert.equal(family('m', 'gauge', 'Help.', [{ labels: { a: 'b"' }, value: 1, at: 5 }]), '# HELP m Help.\n# TYPE m gauge\nm{a="b\\""} 1 5\n');
});

test('a certificate is renewed when a fifth of its life is left', () => {
  const { cert } = selfSignedCertificate('node', ['192.0.2.1'], new Date('2026-01-01T00:00:00Z'));
  assert.equal(expiresSoon(cert, new Date('2026-06-01T00:00:00Z')), false);
  assert.equal(expiresSoon(cert, new Date('2026-12-01T00:00:00Z')), true);
});
