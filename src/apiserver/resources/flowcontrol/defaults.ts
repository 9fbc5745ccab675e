/** The priority levels and flow schemas that every cluster has (KEP-1040): the mandatory ones stay as they are, the others are suggestions. */
import { mandatoryLevels, mandatorySchemas } from '../../../api/flowcontrol/v1/mandatory.ts';
import type { FlowSchema, PolicyRulesWithSubjects, PriorityLevelConfiguration, ResourcePolicyRule, Subject } from '../../../api/flowcontrol/v1/types.gen.ts';

/** While it says `true`, the server keeps the spec as it should be; an administrator who changes an object sets it to `false`. */
export const autoUpdateSpec = 'apf.kubernetes.io/autoupdate-spec';

/** By name, of both kinds: an administrator cannot change them. */
export const mandatory: ReadonlySet<string> = new Set(['exempt', 'catch-all']);

const meta = (name: string) => ({ name, annotations: { [autoUpdateSpec]: 'true' } });

const queuing = (queues: number, handSize: number) => ({ type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } });

const limited = (
  name: string,
  nominalConcurrencyShares: number,
  lendablePercent: number,
  limitResponse: { type: string; queuing?: { queues: number; handSize: number; queueLengthLimit: number } },
): PriorityLevelConfiguration => ({
  metadata: meta(name),
  spec: { type: 'Limited', limited: { nominalConcurrencyShares, lendablePercent, limitResponse } },
});

export const priorityLevels = (): PriorityLevelConfiguration[] => [
  { metadata: meta('exempt'), spec: structuredClone(mandatoryLevels.exempt) },
  { metadata: meta('catch-all'), spec: structuredClone(mandatoryLevels['catch-all']) },
  limited('system', 30, 33, queuing(64, 6)),
  limited('node-high', 40, 25, queuing(64, 6)),
  limited('leader-election', 10, 0, queuing(16, 4)),
  limited('workload-high', 40, 50, queuing(128, 6)),
  limited('workload-low', 100, 90, queuing(128, 6)),
  limited('global-default', 20, 50, queuing(128, 6)),
];

const groups = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'Group', group: { name } }));
const users = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'User', user: { name } }));
const systemAccounts: Subject = { kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: 'kube-system' } };
const everybody = groups('system:unauthenticated', 'system:authenticated');

const resources = (verbs: string[], group: string, names: string[], clusterScope: boolean): ResourcePolicyRule => ({
  verbs,
  apiGroups: [group],
  resources: names,
  namespaces: ['*'],
  ...(clusterScope ? { clusterScope } : {}),
});

const everything = (subjects: Subject[]): PolicyRulesWithSubjects => ({
  subjects,
  resourceRules: [resources(['*'], '*', ['*'], true)],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
});

function flow(
  name: string,
  level: string,
  matchingPrecedence: number,
  distinguisher: '' | 'ByUser' | 'ByNamespace',
  rules: PolicyRulesWithSubjects,
): FlowSchema {
  return {
    metadata: meta(name),
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence,
      ...(distinguisher === '' ? {} : { distinguisherMethod: { type: distinguisher } }),
      rules: [rules],
    },
  };
}

export const flowSchemas = (): FlowSchema[] => [
  { metadata: meta('exempt'), spec: structuredClone(mandatorySchemas.exempt) },
  flow('probes', 'exempt', 2, '', {
    subjects: everybody,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  flow('system-leader-election', 'leader-election', 100, 'ByUser', {
    subjects: [...users('system:kube-controller-manager', 'system:kube-scheduler'), systemAccounts],
    resourceRules: [resources(['get', 'create', 'update'], 'coordination.k8s.io', ['leases'], false)],
  }),
  flow('system-node-high', 'node-high', 400, 'ByUser', {
    subjects: groups('system:nodes'),
    resourceRules: [resources(['*'], '', ['nodes', 'nodes/status'], true), resources(['*'], 'coordination.k8s.io', ['leases'], false)],
  }),
  flow('system-nodes', 'system', 500, 'ByUser', everything(groups('system:nodes'))),
  flow('kube-controller-manager', 'workload-high', 800, 'ByNamespace', everything(users('system:kube-controller-manager'))),
  flow('kube-scheduler', 'workload-high', 800, 'ByNamespace', everything(users('system:kube-scheduler'))),
  flow('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', everything([systemAccounts])),
  flow('service-accounts', 'workload-low', 9000, 'ByUser', everything(groups('system:serviceaccounts'))),
  flow('global-default', 'global-default', 9900, 'ByUser', everything(everybody)),
  { metadata: meta('catch-all'), spec: structuredClone(mandatorySchemas['catch-all']) },
];
