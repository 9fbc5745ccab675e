import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { container, pod } from '../testing/pods.ts';
import { evictionMessage, limitsStorage, overStorageLimit, type PodUsage, victimOf } from './decide.ts';

const mebi = 1024 * 1024;
const usage = (of: Pod, more: Partial<PodUsage> = {}): PodUsage => ({ pod: of, memory: new Map(), disk: new Map(), emptyDirs: new Map(), ...more });

test('a volume, a container or a pod that has grown too large', () => {
  const volume = pod({ volumes: [{ name: 'scratch', emptyDir: { sizeLimit: '1Mi' } }] });
  assert.equal(limitsStorage(volume), true);
  assert.equal(limitsStorage(pod()), false);
  assert.equal(overStorageLimit(usage(volume, { emptyDirs: new Map([['scratch', mebi]]) })), undefined);
  assert.equal(
    overStorageLimit(usage(volume, { emptyDirs: new Map([['scratch', 2 * mebi]]) })),
    'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". ',
  );
  const limit = { resources: { limits: { 'ephemeral-storage': '10Mi' } } };
  const one = pod({ containers: [container('a', limit), container('b')] });
  assert.equal(overStorageLimit(usage(one, { disk: new Map([['a', 11 * mebi]]) })), 'Container a exceeded its local ephemeral storage limit "10Mi". ');
  const both = pod({ containers: [container('a', limit), container('b', limit)] });
  assert.equal(
    overStorageLimit(usage(both, { disk: new Map([['a', 9 * mebi]]), emptyDirs: new Map([['x', 12 * mebi]]) })),
    'Pod ephemeral local storage usage exceeds the total limit of containers 20Mi. ',
  );
});

test('who goes first when memory runs out', () => {
  const using = (name: string, mebibytes: number, spec: Partial<Pod['spec']> = {}): PodUsage =>
    usage(pod({ containers: [container('c', { resources: { requests: { memory: '10Mi' } } })], ...spec }, { name }), {
      memory: new Map([['c', mebibytes * mebi]]),
    });
  const first = (...usages: PodUsage[]): string | undefined => victimOf('memory', usages)?.pod.metadata.name;
  assert.equal(first(using('within', 9, { priority: -5 }), using('over', 11)), 'over');
  assert.equal(first(using('low', 11), using('high', 90, { priority: 5 })), 'low');
  assert.equal(first(using('little', 11), using('much', 50)), 'much');
  assert.equal(first(using('critical', 99, { priority: 2_000_000_000 })), undefined);
  assert.equal(
    evictionMessage(using('x', 50), 'memory', [{ signal: 'memory.available', limit: { amount: 100 * mebi } }], {
      'memory.available': { available: 80 * mebi, capacity: 1000 * mebi },
    }),
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi. Container c was using 50Mi, request is 10Mi, has larger consumption of memory. ',
  );
});

test('who goes first when the disk or process numbers run out', () => {
  const big = usage(pod({ priority: 3 }, { name: 'big' }), { disk: new Map([['main', 9 * mebi]]), processes: 1 });
  const small = usage(pod({ priority: 3 }, { name: 'small' }), { emptyDirs: new Map([['x', mebi]]), processes: 50, inodes: 9 });
  const polite = usage(pod({ containers: [container('c', { resources: { requests: { 'ephemeral-storage': '1Gi' } } })] }, { name: 'polite' }), {
    disk: new Map([['c', 50 * mebi]]),
  });
  assert.equal(victimOf('ephemeral-storage', [small, polite, big])?.pod.metadata.name, 'big');
  assert.equal(victimOf('inodes', [big, small])?.pod.metadata.name, 'small');
  assert.equal(victimOf('pids', [big, small])?.pod.metadata.name, 'small');
  assert.equal(
    evictionMessage(big, 'ephemeral-storage', [{ signal: 'nodefs.available', limit: { share: 0.1 } }], {
      'nodefs.available': { available: 80 * mebi, capacity: 1000 * mebi },
    }),
    'The node was low on resource: ephemeral-storage. Threshold quantity: 100Mi, available: 80Mi. Container main was using 9Mi, request is 0, has larger consumption of ephemeral-storage. ',
  );
});
