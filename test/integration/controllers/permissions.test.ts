import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daemonsets } from '../../../src/api/apps/v1/daemonset.ts';
import { deployments } from '../../../src/api/apps/v1/deployment.ts';
import { replicasets } from '../../../src/api/apps/v1/replicaset.ts';
import { statefulsets } from '../../../src/api/apps/v1/statefulset.ts';
import { horizontalpodautoscalers } from '../../../src/api/autoscaling/v2/horizontalpodautoscaler.ts';
import { cronjobs } from '../../../src/api/batch/v1/cronjob.ts';
import { jobs } from '../../../src/api/batch/v1/job.ts';
import { configmaps } from '../../../src/api/core/v1/configmap.ts';
import { namespaces } from '../../../src/api/core/v1/namespace.ts';
import { nodes } from '../../../src/api/core/v1/node.ts';
import { persistentvolumeclaims } from '../../../src/api/core/v1/persistentvolumeclaim.ts';
import { pods as podKind } from '../../../src/api/core/v1/pod.ts';
import { replicationcontrollers } from '../../../src/api/core/v1/replicationcontroller.ts';
import { resourcequotas } from '../../../src/api/core/v1/resourcequota.ts';
import { poddisruptionbudgets } from '../../../src/api/policy/v1/poddisruptionbudget.ts';
import { isNotFound } from '../../../src/apimachinery/errors.ts';
import { timeOf } from '../../../src/apimachinery/meta.ts';
import { authorizePrivilegedGroup, createAuthorizerChain } from '../../../src/apiserver/authorization/chain.ts';
import { createRbac } from '../../../src/apiserver/authorization/rbac.ts';
import { admin, startTestServer, type TestServer } from '../../../src/apiserver/testing/server.ts';
import type { Client } from '../../../src/client/client.ts';
import { createInProcessTransport } from '../../../src/client/inprocess.ts';
import { createClient } from '../../../src/client/rest.ts';
import { applyBootstrapRoles } from '../../../src/cluster/bootstrap/bootstrap.ts';
import { controllers } from '../../../src/controllers/index.ts';
import { eventually, runningStatus, startCluster, workload } from './harness.ts';

const tested = new Set([
  'deployment-controller',
  'replicaset-controller',
  'replicationcontroller-controller',
  'statefulset-controller',
  'daemonset-controller',
  'job-controller',
  'cronjob-controller',
  'ttl-after-finished-controller',
  'garbage-collector-controller',
  'namespace-controller',
  'resourcequota-controller',
  'disruption-controller',
  'horizontal-pod-autoscaler-controller',
  'pod-garbage-collector-controller',
]);

/** Notes every denial. */
async function guardedServer(denied: Set<string>): Promise<TestServer> {
  return startTestServer({
    security({ reader }) {
      const chain = createAuthorizerChain([authorizePrivilegedGroup, createRbac(reader).authorizer]);
      return {
        authenticate: async ({ identity }) => ({ user: identity ?? admin }),
        async authorize(attributes) {
          const decision = await chain(attributes);
          const { user, verb, resource, subresource, path, isResourceRequest } = attributes;
          if (decision.decision !== 'allow') denied.add(`${user.username} ${verb} ${isResourceRequest ? `${resource}/${subresource}` : path}`);
          return decision;
        },
      };
    },
  });
}

const clientFor = ({ server }: TestServer, identity: string): Client =>
  createClient(
    createInProcessTransport(server.handle, {
      username: `system:serviceaccount:kube-system:${identity}`,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
    }),
  );

test('workload controllers do with the rights that upstream gives them', async () => {
  const denied = new Set<string>();
  const server = await guardedServer(denied);
  await using cluster = await startCluster({
    controllers: controllers.filter(({ name }) => tested.has(name)),
    server,
    clientFor,
    prepare: applyBootstrapRoles,
    kubelet: (pod) => (pod.metadata.labels?.['work'] ? { phase: 'Succeeded' } : runningStatus()),
  });
  const { client } = cluster;
  const meta = (name: string) => ({ name, namespace: 'default' });
  const work = { metadata: { name: '', labels: { work: 'yes' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work' }] } };
  const ready = (what: string, probe: () => Promise<number | undefined>, count = 2) => eventually(async () => (await probe()) === count, what, 20_000);

  await client.resource(nodes).create({ metadata: { name: 'one' }, spec: {} });
  await client.resource(podKind).create({ metadata: { ...meta('orphan'), labels: { app: 'rs' } }, spec: workload('rs').template.spec });
  await client.resource(replicasets).create({ metadata: meta('rs'), spec: { replicas: 2, ...workload('rs') } });
  await client
    .resource(replicationcontrollers)
    .create({ metadata: meta('rc'), spec: { replicas: 2, selector: { app: 'rc' }, template: workload('rc').template } });
  await client.resource(deployments).create({ metadata: meta('web'), spec: { replicas: 2, revisionHistoryLimit: 0, ...workload('web') } });
  await client.resource(daemonsets).create({ metadata: meta('agent'), spec: workload('agent') });
  await client.resource(statefulsets).create({
    metadata: meta('db'),
    spec: {
      replicas: 2,
      serviceName: 'db',
      ...workload('db'),
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }],
    },
  });
  await client.resource(jobs).create({ metadata: meta('work'), spec: { completions: 2, ttlSecondsAfterFinished: 0, template: work } });
  const cron = await client
    .resource(cronjobs)
    .create({ metadata: meta('tick'), spec: { schedule: '* * * * *', suspend: true, jobTemplate: { spec: { template: work } } } });
  await client.resource(cronjobs).updateStatus({ ...cron, status: { lastScheduleTime: timeOf(new Date(Date.now() - 300_000)) } });
  await client.resource(cronjobs).patch('default', 'tick', 'merge', { spec: { suspend: false } });
  await client
    .resource(resourcequotas)
    .create({ metadata: meta('quota'), spec: { hard: { pods: '100', 'count/configmaps': '5', 'count/deployments.apps': '5' } } });
  await client.resource(poddisruptionbudgets).create({ metadata: meta('budget'), spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } } });
  await client.resource(horizontalpodautoscalers).create({
    metadata: meta('scaler'),
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 3,
      maxReplicas: 5,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
    },
  });

  await ready('the ReplicaSet', async () => (await client.resource(replicasets).get('default', 'rs')).status?.readyReplicas);
  await ready('the ReplicationController', async () => (await client.resource(replicationcontrollers).get('default', 'rc')).status?.readyReplicas);
  await ready('the DaemonSet', async () => (await client.resource(daemonsets).get('default', 'agent')).status?.numberReady, 1);
  await ready('the StatefulSet', async () => (await client.resource(statefulsets).get('default', 'db')).status?.readyReplicas);
  await ready('the autoscaled Deployment', async () => (await client.resource(deployments).get('default', 'web')).status?.readyReplicas, 3);
  await ready('the quota', async () => Object.keys((await client.resource(resourcequotas).get('default', 'quota')).status?.used ?? {}).length, 3);
  await ready('the budget', async () => (await client.resource(poddisruptionbudgets).get('default', 'budget')).status?.disruptionsAllowed, 1);
  await eventually(async () => (await client.resource(jobs).list('default')).items.some(({ metadata }) => metadata.name.startsWith('tick-')), 'the CronJob');
  await eventually(
    async () =>
      client
        .resource(jobs)
        .get('default', 'work')
        .then(() => false, isNotFound),
    'the finished Job to go',
    20_000,
  );

  await client.resource(deployments).patch('default', 'web', 'strategic', { spec: { template: { spec: { containers: [{ name: 'main', image: 'web:2' }] } } } });
  await client
    .resource(daemonsets)
    .patch('default', 'agent', 'strategic', { spec: { template: { spec: { containers: [{ name: 'main', image: 'web:2' }] } } } });
  await client.resource(statefulsets).patch('default', 'db', 'merge', { spec: { replicas: 1 } });
  await client.resource(podKind).patch('default', 'orphan', 'merge', { metadata: { labels: { app: 'none' } } });
  await eventually(async () => (await client.resource(persistentvolumeclaims).list('default')).items.length === 1, 'the claim to go with its pod', 20_000);
  await eventually(async () => (await client.resource(podKind).get('default', 'orphan')).metadata.ownerReferences === undefined, 'the release');
  await client.resource(statefulsets).delete('default', 'db', { propagationPolicy: 'Foreground' });
  await client.resource(replicasets).delete('default', 'rs', { propagationPolicy: 'Orphan' });
  await eventually(async () => (await client.resource(persistentvolumeclaims).list('default')).items.length === 0, 'the claims to go', 20_000);
  await client.resource(namespaces).create({ metadata: { name: 'doomed' }, spec: {} });
  await client.resource(configmaps).create({ metadata: { name: 'one', namespace: 'doomed' } });
  await client.resource(namespaces).delete('', 'doomed');
  await eventually(
    async () =>
      client
        .resource(namespaces)
        .get('', 'doomed')
        .then(() => false, isNotFound),
    'the namespace to go',
    20_000,
  );
  assert.deepEqual([...denied], []);
});
