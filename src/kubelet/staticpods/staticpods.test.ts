import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { notFound } from '../../apimachinery/errors.ts';
import { defaultConfiguration } from '../config/configuration.ts';
import type { KubeletContext } from '../context.ts';
import { parseManifest } from './manifest.ts';
import { createMirrors, mirrorFor } from './mirrors.ts';
import { createManifestSource } from './source.ts';

const now = new Date('2026-01-02T03:04:05Z');
const manifest = (more = '', name = 'web') =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, labels: {a: b}}\nspec:\n  containers: [{name: main, image: 'busybox:1'}]\n${more}`;
const parse = (text: string, file = '/m/web.yaml') => parseManifest(text, file, 'node-1', now);

test('a manifest becomes a pod of this node', () => {
  const pod = parse(manifest());
  assert.equal(pod.metadata.name, 'web-node-1');
  assert.equal(pod.metadata.namespace, 'default');
  assert.match(pod.metadata.uid ?? '', /^[0-9a-f]{32}$/);
  assert.deepEqual(pod.metadata.annotations, {
    'kubernetes.io/config.hash': pod.metadata.uid,
    'kubernetes.io/config.source': 'file',
    'kubernetes.io/config.seen': '2026-01-02T03:04:05Z',
  });
  assert.deepEqual(pod.spec.tolerations, [{ operator: 'Exists', effect: 'NoExecute' }]);
  assert.equal(pod.spec.nodeName, 'node-1');
  assert.equal(pod.spec.restartPolicy, 'Always', 'defaults are filled in');
  assert.equal(parse(manifest()).metadata.uid, pod.metadata.uid, 'the same manifest is the same pod');
  assert.notEqual(parse(manifest('  hostNetwork: true')).metadata.uid, pod.metadata.uid);
  assert.notEqual(parse(manifest(), '/m/other.yaml').metadata.uid, pod.metadata.uid);
});

test('what is no static pod says why', () => {
  assert.throws(() => parse('a: [b'), /^Error: yaml: /);
  assert.throws(() => parse('kind: Service\napiVersion: v1'), /Service of v1 is no Pod/);
  assert.throws(() => parse('kind: Pod\napiVersion: v1'), { message: 'invalid pod: name is needed for the pod' });
  assert.throws(() => parse(manifest('  restartPolicy: Sometimes')), /^Error: invalid pod: \[spec.restartPolicy: Unsupported value: "Sometimes"/);
  const refused = (more: string, reference: string): void =>
    assert.throws(() => parse(manifest(more)), { message: `static pods may not reference ${reference}` });
  refused('  serviceAccountName: x', 'serviceaccounts');
  refused('  imagePullSecrets: [{name: x}]', 'secrets');
  refused('  volumes: [{name: v, configMap: {name: x}}]', 'configmaps');
  refused('  volumes: [{name: v, projected: {sources: [{secret: {name: x}}]}}]', 'secrets');
  refused('  volumes: [{name: v, csi: {driver: example.com}}]', 'csidrivers (via CSI volumes)');
  refused('  volumes: [{name: v, persistentVolumeClaim: {claimName: x}}]', 'persistentvolumeclaims');
});

test('files that are no pods are told of once, and the others count', async () => {
  const place = await mkdtemp(join(tmpdir(), 'manifests-'));
  const told: string[] = [];
  const ended = new AbortController();
  try {
    const context = {
      options: { nodeName: 'n' },
      config: { ...defaultConfiguration, staticPodPath: place },
      log: { error: (_: object, text: string) => void told.push(text) },
      now: () => now,
      signal: ended.signal,
    } as unknown as KubeletContext;
    const source = createManifestSource(context);
    await writeFile(join(place, 'a.yaml'), manifest('', 'a'));
    await writeFile(join(place, 'b.yaml'), 'no pod');
    await writeFile(join(place, '.hidden.yaml'), manifest('', 'hidden'));
    const names = (pods: readonly Pod[]): string[] => pods.map(({ metadata }) => metadata.name);
    assert.deepEqual(names(await source.read()), ['a-n']);
    await source.read();
    assert.equal(told.length, 1);

    const changed = Promise.withResolvers<string[]>();
    const watching = source.watch((pods) => names(pods).length === 2 && changed.resolve(names(pods)));
    await writeFile(join(place, 'b.yaml'), manifest('', 'b'));
    assert.deepEqual(await changed.promise, ['a-n', 'b-n']);
    ended.abort();
    await watching;
  } finally {
    ended.abort();
    await rm(place, { recursive: true });
  }
});

function mirrorsOf(pod: Pod | undefined) {
  const calls: string[] = [];
  let made = 0;
  const waiting: (() => void)[] = [];
  const call = (text: string): void => {
    calls.push(text);
    for (const wake of waiting.splice(0)) wake();
  };
  const resource = {
    create: async (mirror: Pod) => {
      call('create');
      return { ...mirror, metadata: { ...mirror.metadata, uid: `m${++made}` } };
    },
    delete: async (_: string, name: string, { preconditions }: { preconditions: { uid: string } }) => call(`delete ${name} ${preconditions.uid}`),
    get: async () => {
      throw notFound({ group: '', resource: 'pods' }, 'web-node-1');
    },
  };
  const desired = new Map(pod ? [['default/web-node-1', pod]] : []);
  const mirrors = createMirrors({
    context: {
      client: { resource: () => resource },
      options: { nodeName: 'node-1' },
      log: { warn: () => {} },
      signal: new AbortController().signal,
    } as unknown as KubeletContext,
    nodeUid: () => 'node-uid',
    desired: (key) => desired.get(key),
    mirrored: () => call('mirrored'),
  });
  const until = async (...wanted: string[]): Promise<void> => {
    while (calls.length < wanted.length) await new Promise<void>((resolve) => waiting.push(resolve));
    assert.deepEqual(calls.splice(0), wanted);
  };
  return { mirrors, desired, until };
}

test('a mirror pod is made, and made again when it was deleted', async () => {
  const pod = parse(manifest());
  const { mirrors, until } = mirrorsOf(pod);
  mirrors.reconcile('default/web-node-1');
  await until('create', 'mirrored');
  const mirror = mirrors.get('default/web-node-1') as Pod;
  assert.deepEqual(mirror.metadata.ownerReferences, [{ apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: 'node-uid', controller: true }]);
  assert.equal(mirror.metadata.annotations?.['kubernetes.io/config.mirror'], pod.metadata.uid);
  mirrors.seen({ ...mirror, metadata: { ...mirror.metadata, deletionTimestamp: '2026-01-02T03:04:05Z' } });
  await until('delete web-node-1 m1', 'create', 'mirrored');
});

test('a mirror pod of another form, or of no pod, goes', async () => {
  const pod = parse(manifest());
  const stale = mirrorFor(parse(manifest('  hostNetwork: true')), { name: 'node-1', uid: 'node-uid' });
  const { mirrors, desired, until } = mirrorsOf(pod);
  mirrors.seen({ ...stale, metadata: { ...stale.metadata, uid: 'old' } });
  await until('delete web-node-1 old', 'create', 'mirrored');
  desired.clear();
  mirrors.reconcile('default/web-node-1');
  await until('delete web-node-1 m1');
});
