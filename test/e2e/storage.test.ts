/** Claims: made on demand where the pod runs, outliving the pod, gone with the claim. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { eventually, startTestCluster, type TestCluster } from './cluster.ts';
import { busybox, importBusybox } from './images.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await startTestCluster({ nodes: 2 });
  await importBusybox(cluster);
});
after(() => cluster.down());

const user = (name: string, claim: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: busybox, command: ['sleep', '3600'], volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }],
  },
});
const ready = (name: string): Promise<string> => cluster.kubectl(['wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s']);
const inPod = (pod: string, script: string): Promise<string> => cluster.kubectl(['exec', pod, '--', 'sh', '-c', script]);
interface Claim {
  status: { phase: string };
  spec: { volumeName: string };
}

test('a claim waits for its first pod, gets a volume on that pod’s node, and later pods go where the data is', async () => {
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Mi' } } },
  });
  assert.equal((await cluster.get<Claim>('pvc', 'data')).status.phase, 'Pending');
  await cluster.apply(user('first', 'data'));
  await ready('first');
  assert.equal((await cluster.get<Claim>('pvc', 'data')).status.phase, 'Bound');
  await inPod('first', 'echo kept >/data/file');
  const { spec } = await cluster.get<{ spec: { nodeName: string } }>('pod', 'first');
  await cluster.kubectl(['delete', 'pod', 'first']);
  for (const name of ['second', 'third']) {
    await cluster.apply(user(name, 'data'));
    await ready(name);
    assert.equal(await inPod(name, 'cat /data/file'), 'kept\n');
    assert.equal((await cluster.get<{ spec: { nodeName: string } }>('pod', name)).spec.nodeName, spec.nodeName);
  }
});

test('a claim that is in use stays until its pods are gone; then volume and data go', async () => {
  const { spec } = await cluster.get<Claim>('pvc', 'data');
  const volume = await cluster.get<{ spec: { local: { path: string } } }>('pv', spec.volumeName);
  assert.ok(existsSync(volume.spec.local.path));
  await cluster.kubectl(['delete', 'pvc', 'data', '--wait=false']);
  // One that nobody uses goes at once: so the turn of the other has been.
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'unused' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Mi' } } },
  });
  await cluster.kubectl(['delete', 'pvc', 'unused', '--timeout=60s']);
  assert.equal((await cluster.get<Claim>('pvc', 'data')).status.phase, 'Bound');
  await cluster.kubectl(['delete', 'pod', 'second', 'third']);
  await eventually('the volume is gone', async () => (await cluster.tryKubectl(['get', 'pv', spec.volumeName])).code !== 0);
  await eventually('its data too', async () => !existsSync(volume.spec.local.path));
});

test('an emptyDir goes with its pod', async () => {
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'scratch' },
    spec: {
      nodeName: 'node-1',
      terminationGracePeriodSeconds: 0,
      containers: [
        { name: 'main', image: busybox, command: ['sh', '-c', 'echo x >/data/x; sleep 3600'], volumeMounts: [{ name: 'data', mountPath: '/data' }] },
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    },
  });
  await ready('scratch');
  const { metadata } = await cluster.get<{ metadata: { uid: string } }>('pod', 'scratch');
  const directory = `${cluster.dataDir}/nodes/node-1/kubelet/pods/${metadata.uid}`;
  assert.ok(existsSync(directory));
  await cluster.kubectl(['delete', 'pod', 'scratch']);
  await eventually('its directory is gone', async () => !existsSync(directory));
});
