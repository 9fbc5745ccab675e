/** What pods use of a quota. */
import { deepEqual } from '../../../../apimachinery/equality.ts';
import { computePodQOS } from '../pod/qos.ts';
import { isPodLevelResourcesSet, podLimits, podRequests } from '../pod/resources.ts';
import { pods } from '../pod.ts';
import { isExtendedResource, isHugePageResource, isNativeResource } from '../resourcenames.ts';
import type { Container, Pod, PodAffinityTerm, ScopedResourceSelectorRequirement } from '../types.gen.ts';
import { one, type Quantities, quantitiesOf, sum } from './amounts.ts';
import { countName, type QuotaEvaluator, selectsValue } from './evaluator.ts';

const deviceClassPrefix = 'deviceclass.resource.kubernetes.io/';
const compute = ['cpu', 'memory', 'ephemeral-storage'] as const;
const counted: ReadonlySet<string> = new Set([countName(pods), 'pods', ...compute.flatMap((name) => [name, `requests.${name}`, `limits.${name}`])]);
/** A quota on these makes every container name them: kept since it was so once, never extended. */
const demanded: ReadonlySet<string> = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']);

const isExtendedForQuota = (name: string): boolean =>
  name.startsWith('requests.') && (!isNativeResource(name) || name.startsWith(`requests.${deviceClassPrefix}`));

function computeUsage(requests: Quantities, limits: Quantities): Quantities {
  const usage: Quantities = { pods: one };
  for (const name of compute) {
    if (requests[name]) usage[name] = usage[`requests.${name}`] = requests[name];
    if (limits[name]) usage[`limits.${name}`] = limits[name];
  }
  for (const name in requests) {
    const amount = requests[name] ?? one;
    if (isHugePageResource(name)) usage[name] = usage[`requests.${name}`] = amount;
    if (isExtendedResource(name) || name.startsWith(deviceClassPrefix)) usage[`requests.${name}`] = amount;
  }
  return usage;
}

/** A pod that ended, or that should have been gone long ago, uses nothing but its place in the store. */
function isCharged({ metadata, status }: Pod, now: Date): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return true;
  return now.getTime() <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

const isTerminating = ({ spec }: Pod): boolean => spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;

function crossesNamespaces({ spec }: Pod): boolean {
  const crosses = ({ namespaces, namespaceSelector }: PodAffinityTerm): boolean => (namespaces?.length ?? 0) > 0 || namespaceSelector !== undefined;
  return [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity].some(
    (affinity) =>
      affinity?.requiredDuringSchedulingIgnoredDuringExecution?.some(crosses) ||
      affinity?.preferredDuringSchedulingIgnoredDuringExecution?.some(({ podAffinityTerm }) => crosses(podAffinityTerm)),
  );
}

function inScope(pod: Pod, scope: ScopedResourceSelectorRequirement): boolean {
  switch (scope.scopeName) {
    case 'Terminating':
      return isTerminating(pod);
    case 'NotTerminating':
      return !isTerminating(pod);
    case 'BestEffort':
      return computePodQOS(pod) === 'BestEffort';
    case 'NotBestEffort':
      return computePodQOS(pod) !== 'BestEffort';
    case 'PriorityClass':
      return selectsValue(scope, pod.spec.priorityClassName ? [pod.spec.priorityClassName] : []);
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(pod);
    default:
      return false;
  }
}

function missing(names: readonly string[], pod: Pod): string | undefined {
  if (isPodLevelResourcesSet(pod)) return undefined;
  const wanted = names.filter((name) => demanded.has(name)).sort();
  const containers: Container[] = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const parts = wanted.flatMap((name) => {
    const without = containers
      .filter(({ resources }) => !computeUsage(quantitiesOf(resources?.requests), quantitiesOf(resources?.limits))[name])
      .map((container) => container.name);
    return without.length > 0 ? [`${name} for: ${[...new Set(without)].sort().join(',')}`] : [];
  });
  return parts.length > 0 ? `must specify ${parts.join('; ')}` : undefined;
}

export const podQuota: QuotaEvaluator<Pod> = {
  definition: pods,
  handles({ operation, subresource, object, oldObject }) {
    if (subresource === 'resize') return operation === 'UPDATE';
    if (subresource !== '') return false;
    if (operation === 'CREATE') return true;
    return operation === 'UPDATE' && !deepEqual((object as Pod).spec.activeDeadlineSeconds, (oldObject as Pod).spec.activeDeadlineSeconds);
  },
  matching: (names) => names.filter((name) => counted.has(name) || isHugePageResource(name.replace(/^requests\./, '')) || isExtendedForQuota(name)),
  usage(pod, now) {
    const stored: Quantities = { [countName(pods)]: one };
    if (!isCharged(pod, now)) return stored;
    const options = { useStatusResources: true };
    return sum(stored, computeUsage(podRequests(pod, options), podLimits(pod, options)));
  },
  inScope,
  missing,
};
