/** Who owns a claim, so that it goes with the set or with the pod, or with neither. Source of the rule: KEP-1847. */
import { statefulsets } from '../../api/apps/v1/statefulset.ts';
import type { StatefulSet } from '../../api/apps/v1/types.gen.ts';
import { pods } from '../../api/core/v1/pod.ts';
import type { PersistentVolumeClaim, Pod } from '../../api/core/v1/types.gen.ts';
import type { KubeObject, OwnerReference } from '../../apimachinery/meta.ts';
import type { ResourceRef } from '../../client/client.ts';
import { controllerReference, gvkOf } from '../common/ownership.ts';
import { isInRange } from './identity.ts';

const policyOf = ({ spec }: StatefulSet): { deleted: boolean; scaled: boolean } => ({
  deleted: spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete',
  scaled: spec.persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete',
});

function names(reference: OwnerReference, object: KubeObject, ref: ResourceRef): boolean {
  const { apiVersion, kind } = gvkOf(ref);
  return reference.apiVersion === apiVersion && reference.kind === kind && reference.name === object.metadata.name;
}

const has = (references: readonly OwnerReference[], owner: KubeObject): boolean => references.some(({ uid }) => uid === owner.metadata.uid);

/** Of an earlier object of the same name: the claim is going with it. */
const isStale = (references: readonly OwnerReference[], object: KubeObject, ref: ResourceRef): boolean => {
  const found = references.find((reference) => names(reference, object, ref));
  return found !== undefined && found.uid !== object.metadata.uid;
};

/** The claim belongs to somebody else, so the policy is not followed. */
export function hasForeignController(claim: PersistentVolumeClaim, set: StatefulSet, pod: Pod): boolean {
  const { deleted, scaled } = policyOf(set);
  if (!deleted && !scaled) return false;
  return (claim.metadata.ownerReferences ?? []).some((reference) => {
    if (names(reference, set, statefulsets)) return reference.uid !== set.metadata.uid;
    if (names(reference, pod, pods)) return reference.uid !== pod.metadata.uid;
    return reference.controller === true;
  });
}

/** A claim that an earlier pod of the name still takes with it: the new pod must wait for that. */
export const isClaimOfEarlierPod = (claim: PersistentVolumeClaim, set: StatefulSet, pod: Pod): boolean =>
  policyOf(set).scaled && isStale(claim.metadata.ownerReferences ?? [], pod, pods);

/** The references as they should be; undefined when they are. */
export function wantedOwners(claim: PersistentVolumeClaim, set: StatefulSet, pod: Pod): OwnerReference[] | undefined {
  const references = claim.metadata.ownerReferences ?? [];
  if (isStale(references, set, statefulsets) || isStale(references, pod, pods)) return undefined;
  const others = references.filter((reference) => !names(reference, set, statefulsets) && !names(reference, pod, pods));
  if (hasForeignController(claim, set, pod)) return has(references, set) || has(references, pod) ? others : undefined;
  const { deleted, scaled } = policyOf(set);
  const byPod = scaled && !isInRange(set, pod);
  const bySet = deleted && !byPod;
  const mine = references.filter(({ uid }) => uid === set.metadata.uid || uid === pod.metadata.uid);
  if (has(references, set) === bySet && has(references, pod) === byPod && mine.every(({ controller }) => controller === true)) return undefined;
  return [...others, ...(bySet ? [controllerReference(set, statefulsets)] : []), ...(byPod ? [controllerReference(pod, pods)] : [])];
}
