import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deployments } from '../../../src/api/apps/v1/deployment.ts';
import { replicasets } from '../../../src/api/apps/v1/replicaset.ts';
import { statefulsets } from '../../../src/api/apps/v1/statefulset.ts';
import { jobs } from '../../../src/api/batch/v1/job.ts';
import { deploymentController } from '../../../src/controllers/deployment/deployment.ts';
import { garbageCollectorController } from '../../../src/controllers/garbagecollector/garbagecollector.ts';
import { jobController } from '../../../src/controllers/job/job.ts';
import { replicaSetController } from '../../../src/controllers/replicaset/replicaset.ts';
import { statefulSetController } from '../../../src/controllers/statefulset/statefulset.ts';
import { eventually, runningStatus, startCluster, workload } from './harness.ts';

test('controllers that are stopped again and again under way get everything done, and nothing twice', async () => {
  await using cluster = await startCluster({
    controllers: [deploymentController, replicaSetController, statefulSetController, jobController, garbageCollectorController],
    kubelet: (pod) => (pod.metadata.labels?.['work'] ? { phase: 'Succeeded' } : runningStatus()),
  });
  const { client } = cluster;
  await client.resource(deployments).create({ metadata: { name: 'web', namespace: 'default' }, spec: { replicas: 40, ...workload('web') } });
  await client.resource(statefulsets).create({ metadata: { name: 'db', namespace: 'default' }, spec: { replicas: 8, serviceName: 'db', ...workload('db') } });
  const template = { metadata: { name: '', labels: { work: 'yes' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work' }] } };
  await client.resource(jobs).create({ metadata: { name: 'work', namespace: 'default' }, spec: { completions: 30, parallelism: 4, template } });
  for (let round = 0; round < 6; round++) {
    await sleep(20 * round);
    await cluster.restart();
    if (round === 2) {
      await client
        .resource(deployments)
        .patch('default', 'web', 'strategic', { spec: { template: { spec: { containers: [{ name: 'main', image: 'web:2' }] } } } });
    }
  }
  const done = await eventually(
    async () => {
      const job = await client.resource(jobs).get('default', 'work');
      return job.status?.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True') && job;
    },
    'the job',
    30_000,
  );
  assert.equal(done.status?.succeeded, 30);
  assert.equal((await cluster.pods('work=yes')).length, 30);
  await eventually(
    async () => {
      const { spec, status, metadata } = await client.resource(deployments).get('default', 'web');
      return (
        status?.observedGeneration === metadata.generation &&
        status?.updatedReplicas === 40 &&
        status?.replicas === 40 &&
        status?.availableReplicas === spec.replicas
      );
    },
    'the rollout',
    30_000,
  );
  assert.equal((await client.resource(replicasets).list('default')).items.length, 2);
  assert.equal((await cluster.pods('app=web')).length, 40);
  await eventually(async () => (await client.resource(statefulsets).get('default', 'db')).status?.readyReplicas === 8, 'the StatefulSet', 30_000);
  const names = (await cluster.pods('app=db')).map(({ metadata }) => metadata.name).sort();
  assert.deepEqual(
    names,
    Array.from({ length: 8 }, (_, index) => `db-${index}`),
  );
});
