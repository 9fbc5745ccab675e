/** What must be true when churn is over and the controllers have come to rest, whoever was killed meanwhile. Each finding is a sentence. */
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '../../../src/api/apps/v1/types.gen.ts';
import type { Namespace, Node, Pod } from '../../../src/api/core/v1/types.gen.ts';
import type { PodDisruptionBudget } from '../../../src/api/policy/v1/types.gen.ts';
import { type KubeObject, keyOf } from '../../../src/apimachinery/meta.ts';
import { networkFindings, nodeFindings, quotaFindings } from './accounts.ts';
import { compare, ownedBy } from './compare.ts';
import type { Everything } from './everything.ts';
import { jobFindings } from './jobs.ts';
import { revision } from './objects.ts';
import type { Wanted } from './workload.ts';

const namesOf = (objects: readonly KubeObject[]): string[] => objects.map(({ metadata }) => metadata.name).sort();
const isReady = ({ status }: Pod): boolean => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;

export function findings(cluster: Everything, wanted: readonly Wanted[], prefix: string): string[] {
  return [
    ...namespaceFindings(cluster, wanted, prefix),
    ...objectFindings(cluster),
    ...wanted.flatMap((its) => [
      ...presenceFindings(cluster, its),
      ...deploymentFindings(cluster, its),
      ...statefulsetFindings(cluster, its),
      ...daemonsetFindings(cluster, its),
      ...jobFindings(cluster, its),
      ...quotaFindings(cluster, its.namespace),
    ]),
    ...networkFindings(cluster),
    ...nodeFindings(cluster),
  ];
}

function namespaceFindings(cluster: Everything, wanted: readonly Wanted[], prefix: string): string[] {
  const there = cluster.of<Namespace>('Namespace');
  const ours = namesOf(there.filter(({ metadata }) => metadata.name.startsWith(prefix)));
  const expected = wanted.map(({ namespace }) => namespace).sort();
  const homeless = cluster.all.filter(({ metadata }) => metadata.namespace && !there.some((one) => one.metadata.name === metadata.namespace));
  return [
    ...ours.filter((name) => !expected.includes(name)).map((name) => `namespace ${name} is still there`),
    ...expected.filter((name) => !ours.includes(name)).map((name) => `namespace ${name} is gone`),
    ...homeless.map((one) => `${one.kind} ${keyOf(one)} is in no namespace`),
  ];
}

/** Of all objects: none is on its way out, and none has lost its owner. */
function objectFindings({ all, uids }: Everything): string[] {
  return all.flatMap((one) => {
    const { deletionTimestamp, finalizers = [], ownerReferences = [] } = one.metadata;
    return [
      ...(deletionTimestamp ? [`${one.kind} ${keyOf(one)} is being deleted${finalizers.length > 0 ? `, held by ${finalizers}` : ''}`] : []),
      ...ownerReferences.filter(({ uid }) => !uids.has(uid)).map(({ kind, name }) => `${one.kind} ${keyOf(one)} has an owner that is gone: ${kind} ${name}`),
    ];
  });
}

/** Exactly what the user asked for is there. Jobs come from CronJobs too, config maps from the publisher of the root CA. */
function presenceFindings(cluster: Everything, { namespace, ...its }: Wanted): string[] {
  const pairs: [string, Map<string, KubeObject>, (one: KubeObject) => boolean][] = [
    ['Deployment', its.deployments, () => true],
    ['StatefulSet', its.statefulsets, () => true],
    ['DaemonSet', its.daemonsets, () => true],
    ['CronJob', its.cronjobs, () => true],
    ['Service', its.services, () => true],
    ['ConfigMap', its.configmaps, ({ metadata }) => metadata.name !== 'kube-root-ca.crt'],
  ];
  return pairs.flatMap(([kind, expected, counts]) => {
    const there = namesOf(cluster.of(kind, namespace).filter(counts));
    const wanted = [...expected.keys()].sort();
    return JSON.stringify(there) === JSON.stringify(wanted) ? [] : [`${namespace}: ${kind}s ${there}, not ${wanted}`];
  });
}

function deploymentFindings(cluster: Everything, { namespace, deployments }: Wanted): string[] {
  const sets = cluster.of<ReplicaSet>('ReplicaSet', namespace);
  const pods = cluster.of<Pod>('Pod', namespace);
  const budgets = cluster.of<PodDisruptionBudget>('PodDisruptionBudget', namespace);
  return cluster.of<Deployment>('Deployment', namespace).flatMap((one) => {
    const replicas = deployments.get(one.metadata.name)?.spec.replicas;
    const own = ownedBy(sets, one);
    const current = own.filter(({ spec }) => spec.template?.metadata?.annotations?.[revision] === one.spec.template.metadata?.annotations?.[revision]);
    const { status = {} } = one;
    const budget = budgets.find(({ metadata }) => metadata.name === one.metadata.name);
    return [
      ...compare(one, {
        'observed generation': [status.observedGeneration, one.metadata.generation],
        replicas: [status.replicas ?? 0, replicas],
        'updated replicas': [status.updatedReplicas ?? 0, replicas],
        'available replicas': [status.availableReplicas ?? 0, replicas],
        'sets of its template': [current.length, 1],
        'replicas of old sets': [own.filter((set) => !current.includes(set)).reduce((sum, { spec }) => sum + (spec.replicas ?? 0), 0), 0],
        'at most two old sets': [own.length <= 3, true],
        'pods of its set': [ownedBy(pods, current[0] ?? one).filter(isReady).length, replicas],
        'pods that match': [pods.filter(({ metadata }) => metadata.labels?.['app'] === one.metadata.name).length, replicas],
      }),
      ...(budget
        ? compare(budget, { 'expected pods': [budget.status?.expectedPods, replicas], 'healthy pods': [budget.status?.currentHealthy, replicas] })
        : []),
    ];
  });
}

function statefulsetFindings(cluster: Everything, { namespace, statefulsets }: Wanted): string[] {
  const pods = cluster.of<Pod>('Pod', namespace);
  return cluster.of<StatefulSet>('StatefulSet', namespace).flatMap((one) => {
    const replicas = statefulsets.get(one.metadata.name)?.spec.replicas ?? 0;
    const own = ownedBy(pods, one);
    const { status } = one;
    return compare(one, {
      'observed generation': [status?.observedGeneration, one.metadata.generation],
      'ready replicas': [status?.readyReplicas ?? 0, replicas],
      'current revision': [status?.currentRevision, status?.updateRevision],
      pods: [namesOf(own), Array.from({ length: replicas }, (_, ordinal) => `${one.metadata.name}-${ordinal}`)],
      'pods of the update revision': [own.filter(({ metadata }) => metadata.labels?.['controller-revision-hash'] === status?.updateRevision).length, replicas],
    });
  });
}

function daemonsetFindings(cluster: Everything, { namespace, daemonsets }: Wanted): string[] {
  const pods = cluster.of<Pod>('Pod', namespace);
  return cluster.of<DaemonSet>('DaemonSet', namespace).flatMap((one) => {
    const selector = daemonsets.get(one.metadata.name)?.spec.template.spec?.nodeSelector ?? {};
    const nodes = cluster.of<Node>('Node').filter(({ metadata }) => Object.entries(selector).every(([key, value]) => metadata.labels?.[key] === value));
    const own = ownedBy(pods, one);
    const annotation = one.spec.template.metadata?.annotations?.[revision];
    return compare(one, {
      'observed generation': [one.status?.observedGeneration, one.metadata.generation],
      'updated pods': [one.status?.updatedNumberScheduled ?? 0, nodes.length],
      'available pods': [one.status?.numberAvailable ?? 0, nodes.length],
      'nodes of its pods': [own.map(({ spec }) => spec.nodeName).sort(), namesOf(nodes)],
      'pods of the present template': [own.filter(({ metadata }) => metadata.annotations?.[revision] === annotation).length, nodes.length],
    });
  });
}
