/** What churns: objects as a user writes them, with their variants. */

import type { DaemonSet, Deployment, StatefulSet } from '../../../src/api/apps/v1/types.gen.ts';
import type { CronJob, Job } from '../../../src/api/batch/v1/types.gen.ts';
import type { ConfigMap, PodTemplateSpec, ResourceQuota, Service } from '../../../src/api/core/v1/types.gen.ts';
import type { PodDisruptionBudget } from '../../../src/api/policy/v1/types.gen.ts';
import type { Random } from '../fuzz/random.ts';

/** Of a Job whose pods all fail. */
export const exitCode = 'knarr.dev/exit-code';
/** Template annotation that a roll changes. */
export const revision = 'churn/revision';

const template = (app: string, annotations: Record<string, string> = {}): PodTemplateSpec => ({
  metadata: { labels: { app }, annotations },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'main', image: 'churn', resources: { requests: { cpu: '120m', memory: '64Mi' } } }],
  },
});
const selector = (app: string) => ({ matchLabels: { app } });

export const deployment = (namespace: string, name: string, random: Random): Deployment => ({
  metadata: { namespace, name, labels: { app: name } },
  spec: {
    replicas: random.below(6),
    selector: selector(name),
    revisionHistoryLimit: 2,
    strategy: random.oneIn(3)
      ? { type: 'Recreate' }
      : { type: 'RollingUpdate', rollingUpdate: { maxSurge: random.pick(['25%', 1, 3]), maxUnavailable: random.pick(['25%', 1, 2]) } },
    template: template(name, { [revision]: '0' }),
  },
});

export const statefulset = (namespace: string, name: string, random: Random): StatefulSet => ({
  metadata: { namespace, name, labels: { app: name } },
  spec: {
    replicas: random.below(5),
    serviceName: name,
    selector: selector(name),
    revisionHistoryLimit: 2,
    podManagementPolicy: random.oneIn(2) ? 'Parallel' : 'OrderedReady',
    template: template(name, { [revision]: '0' }),
  },
});

export const daemonset = (namespace: string, name: string, random: Random): DaemonSet => ({
  metadata: { namespace, name, labels: { app: name } },
  spec: {
    selector: selector(name),
    revisionHistoryLimit: 2,
    updateStrategy: {
      type: 'RollingUpdate',
      rollingUpdate: random.oneIn(2) ? { maxUnavailable: 3 } : { maxSurge: 3, maxUnavailable: 0 },
    },
    template: withZone(template(name, { [revision]: '0' }), zone(random)),
  },
});
export const zone = (random: Random): string => `zone-${1 + random.below(3)}`;
const withZone = (pods: PodTemplateSpec, name: string): PodTemplateSpec => ({
  ...pods,
  spec: { ...pods.spec!, nodeSelector: { 'topology.kubernetes.io/zone': name } },
});

/** Plain, indexed, failing at once, failing in each index, kept for a second only. */
export function job(namespace: string, name: string, random: Random): Job {
  const completions = 1 + random.below(6);
  const parallelism = 1 + random.below(4);
  const metadata = { namespace, name, labels: { app: name } };
  const pods = (annotations: Record<string, string> = {}): PodTemplateSpec => {
    const { metadata: its, spec } = template(name, annotations);
    return { metadata: its!, spec: { ...spec!, restartPolicy: 'Never' } };
  };
  const failing = { [exitCode]: '3' };
  switch (random.below(6)) {
    case 0:
    case 1:
      return { metadata, spec: { completions, parallelism, template: pods() } };
    case 2:
      return { metadata, spec: { completions, parallelism, completionMode: 'Indexed', template: pods() } };
    case 3:
      return { metadata, spec: { completions, parallelism: 1, backoffLimit: 0, template: pods(failing) } };
    case 4:
      return { metadata, spec: { completions, parallelism, completionMode: 'Indexed', backoffLimitPerIndex: 0, template: pods(failing) } };
    default:
      return { metadata, spec: { completions, parallelism, ttlSecondsAfterFinished: 1, template: pods() } };
  }
}

export const cronjob = (namespace: string, name: string): CronJob => ({
  metadata: { namespace, name, labels: { app: name } },
  spec: {
    schedule: '* * * * *',
    successfulJobsHistoryLimit: 2,
    jobTemplate: { spec: { template: { metadata: { labels: { app: name } }, spec: { ...template(name).spec!, restartPolicy: 'Never' } } } },
  },
});

export const configmap = (namespace: string, name: string, owner?: ConfigMap): ConfigMap => ({
  metadata: {
    namespace,
    name,
    labels: { app: 'tree' },
    ...(owner
      ? { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: owner.metadata.name, uid: owner.metadata.uid ?? '', blockOwnerDeletion: true }] }
      : {}),
  },
});

export const service = (namespace: string, name: string, app: string, random: Random): Service => ({
  metadata: { namespace, name, labels: { app } },
  spec: { type: random.oneIn(2) ? 'NodePort' : 'ClusterIP', selector: { app }, ports: [{ port: 80 }] },
});

/** Never in the way, always to be counted. */
export const quota = (namespace: string): ResourceQuota => ({
  metadata: { namespace, name: 'all' },
  spec: {
    hard: {
      pods: '1000',
      'requests.cpu': '1000',
      services: '1000',
      'services.nodeports': '1000',
      configmaps: '10000',
      'count/jobs.batch': '10000',
      'count/replicasets.apps': '10000',
      'count/deployments.apps': '10000',
    },
  },
});

export const budget = (namespace: string, app: string): PodDisruptionBudget => ({
  metadata: { namespace, name: app },
  spec: { maxUnavailable: 1, selector: selector(app) },
});
