/** What nodes and pods use, without an add-on: `kubectl top`, and an autoscaler that follows the load. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, startTestCluster, type TestCluster } from './cluster.ts';
import { busybox, importBusybox } from './images.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await startTestCluster();
  await importBusybox(cluster);
});
after(() => cluster?.down());

const labels = { app: 'busy' };
const busy = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'busy' },
  spec: {
    replicas: 1,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'loop',
            image: busybox,
            command: ['sh', '-c', 'while :; do :; done'],
            resources: { requests: { cpu: '50m', memory: '8Mi' }, limits: { cpu: '200m' } },
          },
        ],
      },
    },
  },
};

interface Autoscaler {
  status: { currentMetrics?: { resource: { name: string; current: { averageUtilization: number } } }[] };
}

/** `150m` or `2` in thousandths. */
const milli = (text = ''): number => (text.endsWith('m') ? Number(text.slice(0, -1)) : Number(text) * 1000);

test('kubectl top tells what nodes and pods use, and an autoscaler adds pods to a busy deployment', async () => {
  await cluster.apply(busy);
  const node = await eventually('kubectl top nodes', async () => (await cluster.kubectl(['top', 'nodes', '--no-headers'])).trim());
  const [name, cpu, , memory] = node.split(/\s+/);
  assert.equal(name, 'node-1');
  assert.ok(milli(cpu) > 0, node);
  assert.match(memory ?? '', /^[1-9]\d*Mi$/);

  const pods = ['top', 'pods', '--selector', 'app=busy', '--containers', '--no-headers'];
  // Its limit is 200m; a machine that is busy itself gives less, and the first moments were spent on starting.
  const line = await eventually('kubectl top pods', async () => {
    const said = (await cluster.kubectl(pods)).trim().split('\n')[0];
    return milli(said?.split(/\s+/)[2]) > 25 && said;
  });
  const [, container, used] = line.split(/\s+/);
  assert.equal(container, 'loop');
  assert.ok(milli(used) < 300, line);

  await cluster.kubectl(['autoscale', 'deployment', 'busy', '--cpu=50%', '--min=1', '--max=2']);
  await eventually('the autoscaler adds a pod', async () => (await cluster.get<{ spec: { replicas: number } }>('deployment', 'busy')).spec.replicas === 2);
  // The size is written before the status that tells why.
  await eventually('it says why', async () => {
    const { status } = await cluster.get<Autoscaler>('hpa', 'busy');
    const metric = status.currentMetrics?.[0]?.resource;
    return metric?.name === 'cpu' && metric.current.averageUtilization > 50;
  });
});

test('whoever may view a namespace may see what its pods use; nodes and other namespaces are not shown', async () => {
  await cluster.kubectl(['create', 'rolebinding', 'viewer', '--clusterrole=view', '--user=joe']);
  const list = (path: string) => cluster.tryKubectl(['get', '--raw', `/apis/metrics.k8s.io/v1beta1/${path}`, '--as=joe']);
  await eventually('joe may list', async () => (await list('namespaces/default/pods')).code === 0);
  for (const path of ['namespaces/kube-system/pods', 'pods', 'nodes']) assert.match((await list(path)).stderr, /\(Forbidden\)/, path);
});
