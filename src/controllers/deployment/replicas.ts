/** Counting and picking among the ReplicaSets of a Deployment. Source of the rules: upstream's `deployment_util.go`. */
import type { Deployment, ReplicaSet } from '../../api/apps/v1/types.gen.ts';
import type { PodTemplateSpec } from '../../api/core/v1/types.gen.ts';
import { semanticEqual } from '../../apimachinery/equality.ts';
import { scaledIntOrPercent } from '../../apimachinery/intstr.ts';

export const hashLabel = 'pod-template-hash';
/** `progressDeadlineSeconds` and `revisionHistoryLimit` of this size mean none. */
const unlimited = 2147483647;

export const replicasOf = ({ spec }: Deployment | ReplicaSet): number => spec.replicas ?? 1;
export const isRolling = ({ spec }: Deployment): boolean => (spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
export const progressDeadline = ({ spec }: Deployment): number | undefined =>
  spec.progressDeadlineSeconds === unlimited ? undefined : spec.progressDeadlineSeconds;
export const historyLimit = ({ spec }: Deployment): number | undefined => (spec.revisionHistoryLimit === unlimited ? undefined : spec.revisionHistoryLimit);

const sum = (sets: readonly ReplicaSet[], value: (set: ReplicaSet) => number | undefined): number => sets.reduce((total, set) => total + (value(set) ?? 0), 0);
export const specReplicas = (sets: readonly ReplicaSet[]): number => sum(sets, replicasOf);
export const actualReplicas = (sets: readonly ReplicaSet[]): number => sum(sets, ({ status }) => status?.replicas);
export const readyReplicas = (sets: readonly ReplicaSet[]): number => sum(sets, ({ status }) => status?.readyReplicas);
export const availableReplicas = (sets: readonly ReplicaSet[]): number => sum(sets, ({ status }) => status?.availableReplicas);
export const terminatingReplicas = (sets: readonly ReplicaSet[]): number => sum(sets, ({ status }) => status?.terminatingReplicas);
export const active = (sets: readonly ReplicaSet[]): ReplicaSet[] => sets.filter((set) => replicasOf(set) > 0);

/** How many pods may be there beyond `replicas`, and how many may be missing. Never both zero, or nothing could move. */
function fenceposts(deployment: Deployment): { surge: number; unavailable: number } {
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaledIntOrPercent(maxSurge, replicasOf(deployment), true);
  const unavailable = scaledIntOrPercent(maxUnavailable, replicasOf(deployment), false);
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

export const maxSurge = (deployment: Deployment): number => (isRolling(deployment) ? fenceposts(deployment).surge : 0);
export const maxUnavailable = (deployment: Deployment): number =>
  isRolling(deployment) && replicasOf(deployment) > 0 ? Math.min(fenceposts(deployment).unavailable, replicasOf(deployment)) : 0;

export function byCreation(a: ReplicaSet, b: ReplicaSet): number {
  const [one, two] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return one === two ? (a.metadata.name < b.metadata.name ? -1 : 1) : one < two ? -1 : 1;
}
export const bySizeNewer = (a: ReplicaSet, b: ReplicaSet): number => replicasOf(b) - replicasOf(a) || byCreation(b, a);
export const bySizeOlder = (a: ReplicaSet, b: ReplicaSet): number => replicasOf(b) - replicasOf(a) || byCreation(a, b);

function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec | undefined {
  const labels = template?.metadata?.labels;
  if (!template?.metadata || !labels || !(hashLabel in labels)) return template;
  const { [hashLabel]: _, ...rest } = labels;
  return { ...template, metadata: { ...template.metadata, labels: rest } };
}

/** Equal apart from the label that the controller adds. */
export const sameTemplate = (a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean => semanticEqual(withoutHash(a), withoutHash(b));

/** The oldest with the template, so that all replicas of this controller pick the same. */
export const findNew = (deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined =>
  [...sets].sort(byCreation).find((set) => sameTemplate(set.spec.template, deployment.spec.template));

/** The only one with replicas; when none has, the new one, else the newest. Undefined when several have. */
export function activeOrLatest(newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const withReplicas = active([...oldSets, ...(newSet ? [newSet] : [])]);
  if (withReplicas.length > 1) return undefined;
  return withReplicas[0] ?? newSet ?? [...oldSets].sort(byCreation).at(-1);
}

/** How many replicas the new set gets now, given all sets (itself among them). */
export function newSetReplicas(deployment: Deployment, allSets: readonly ReplicaSet[], current: number): number {
  if (!isRolling(deployment)) return replicasOf(deployment);
  const room =
    replicasOf(deployment) +
    scaledIntOrPercent(deployment.spec.strategy?.rollingUpdate?.maxSurge ?? '25%', replicasOf(deployment), true) -
    specReplicas(allSets);
  return room <= 0 ? current : current + Math.min(room, replicasOf(deployment) - current);
}
