import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { container, pod } from '../testing/pods.ts';
import { limitsStorage, memoryMessage, memoryVictim, overStorageLimit, type PodUsage } from './decide.ts';

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
  const first = (...usages: PodUsage[]): string | undefined => memoryVictim(usages)?.pod.metadata.name;
  assert.equal(first(using('within', 9, { priority: -5 }), using('over', 11)), 'over');
  assert.equal(first(using('low', 11), using('high', 90, { priority: 5 })), 'low');
  assert.equal(first(using('little', 11), using('much', 50)), 'much');
  assert.equal(first(using('critical', 99, { priority: 2_000_000_000 })), undefined);
  assert.equal(
    memoryMessage(using('x', 50), 100 * mebi, 80 * mebi),
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi. Container c was using 50Mi, request is 10Mi, has larger consumption of memory. ',
  );
});
