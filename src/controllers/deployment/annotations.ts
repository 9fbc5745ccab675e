/** What a Deployment notes on its ReplicaSets and on itself: revisions, and the sizes that proportional scaling starts from. */
import type { Deployment, ReplicaSet } from '../../api/apps/v1/types.gen.ts';
import { byCreation, maxSurge, replicasOf } from './replicas.ts';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const historyAnnotation = 'deployment.kubernetes.io/revision-history';
const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
const maxAnnotation = 'deployment.kubernetes.io/max-replicas';
/** How extensions/v1beta1 asked for a rollback; its value is the revision. */
export const rollbackAnnotation = 'deprecated.deployment.rollback.to';
const maxHistoryLength = 2_000;

/** Not copied from the Deployment. */
const own: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  rollbackAnnotation,
]);

type Annotations = Record<string, string>;

const natural = (text: string | undefined): number | undefined =>
  text !== undefined && /^[0-9]+$/.test(text) && Number(text) <= 2147483647 ? Number(text) : undefined;

/** Revisions are 64 bits wide. 0 without one; undefined when it is no number. */
export function revisionOf({ metadata }: ReplicaSet): bigint | undefined {
  return parseRevision(metadata.annotations?.[revisionAnnotation]);
}

export function parseRevision(text: string | undefined): bigint | undefined {
  if (text === undefined) return 0n;
  return /^-?[0-9]+$/.test(text) ? BigInt(text) : undefined;
}

const descending = (sets: readonly ReplicaSet[]): bigint[] => sets.map((set) => revisionOf(set) ?? 0n).sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));

export function maxRevision(sets: readonly ReplicaSet[]): bigint {
  const [newest = 0n] = descending(sets);
  return newest < 0n ? 0n : newest;
}

/** The revision before the newest; 0 when there is none. */
export const lastRevision = (sets: readonly ReplicaSet[]): bigint => descending(sets)[1] ?? 0n;

export const byRevision = (a: ReplicaSet, b: ReplicaSet): number => {
  const [one, two] = [revisionOf(a), revisionOf(b)];
  return one === undefined || two === undefined || one === two ? byCreation(a, b) : one < two ? -1 : 1;
};

export const desiredReplicas = ({ metadata }: ReplicaSet): number | undefined => natural(metadata.annotations?.[desiredAnnotation]);
export const maxReplicas = ({ metadata }: ReplicaSet): number | undefined => natural(metadata.annotations?.[maxAnnotation]);

/** The sizes as annotations. */
export const sizeAnnotations = (deployment: Deployment): Annotations => ({
  [desiredAnnotation]: String(replicasOf(deployment)),
  [maxAnnotation]: String(replicasOf(deployment) + maxSurge(deployment)),
});

export const copiedAnnotations = (annotations: Annotations | undefined): Annotations =>
  Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => !own.has(key)));

/** The Deployment's annotations as they become when it goes back to a ReplicaSet's template. */
export const rolledBackAnnotations = (deployment: Deployment, set: ReplicaSet): Annotations => ({
  ...Object.fromEntries(Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => own.has(key))),
  ...copiedAnnotations(set.metadata.annotations),
});

function withRevision(annotations: Annotations, revision: bigint): Annotations {
  const before = annotations[revisionAnnotation];
  const old = parseRevision(before || undefined);
  if (old === undefined || old >= revision) return annotations;
  const changed: Annotations = { ...annotations, [revisionAnnotation]: String(revision) };
  if (before === undefined) return changed;
  const revisions = [...(annotations[historyAnnotation] ?? '').split(',').filter(Boolean), before];
  while (revisions.join(',').length > maxHistoryLength) revisions.shift();
  if (revisions.length > 0) changed[historyAnnotation] = revisions.join(',');
  return changed;
}

/** What the new ReplicaSet's annotations must be: a revision above all old ones, and the Deployment's own. */
export const newSetAnnotations = (deployment: Deployment, existing: Annotations | undefined, revision: bigint): Annotations =>
  withRevision({ ...existing, ...copiedAnnotations(deployment.metadata.annotations) }, revision);
