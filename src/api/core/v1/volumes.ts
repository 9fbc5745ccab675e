/** How claims and volumes find each other; used by the PV controller and the scheduler, which must agree. */

import { controllerOf } from '../../../apimachinery/meta.ts';
import { compareQuantities } from '../../../apimachinery/quantity.ts';
import { labelSelectorMatcher } from '../../../apimachinery/selectors.ts';
import { type NodeLike, type NodeTest, nodeSelectorTest } from './nodeselector.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from './types.gen.ts';

export const bindCompleted = 'pv.kubernetes.io/bind-completed';
export const boundByController = 'pv.kubernetes.io/bound-by-controller';
export const selectedNode = 'volume.kubernetes.io/selected-node';
export const provisionedBy = 'pv.kubernetes.io/provisioned-by';
/** The built-in provisioner: a volume is a directory on the node where its first pod runs. */
export const localProvisioner = 'knarr.dev/local';
export const storageProvisioner = 'volume.kubernetes.io/storage-provisioner';
export const betaStorageProvisioner = 'volume.beta.kubernetes.io/storage-provisioner';
/** A StorageClass with this provisioner has only volumes that somebody made by hand. */
export const noProvisioner = 'kubernetes.io/no-provisioner';

const betaStorageClass = 'volume.beta.kubernetes.io/storage-class';

export const classOfClaim = (claim: PersistentVolumeClaim): string => claim.metadata.annotations?.[betaStorageClass] ?? claim.spec.storageClassName ?? '';
export const classOfVolume = (volume: PersistentVolume): string => volume.metadata.annotations?.[betaStorageClass] ?? volume.spec.storageClassName ?? '';

/** The claim that a volume of a pod uses, if it uses one. A generic ephemeral volume has a claim of its own, `<pod>-<volume>`. */
export function claimNameOf(pod: Pod, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined;
}

/** A claim of that name that somebody else made must not be used for a pod's ephemeral volume. */
export const isEphemeralClaimOf = (pod: Pod, claim: PersistentVolumeClaim): boolean => controllerOf(claim)?.uid === pod.metadata.uid;

/** Bound from both sides, as the PV controller marks it when it is done. */
export const isFullyBound = (claim: PersistentVolumeClaim): boolean =>
  !!claim.spec.volumeName && Object.hasOwn(claim.metadata.annotations ?? {}, bindCompleted);

/** The volume names the claim: bound to it, or reserved for it by name alone. */
export function isBoundToClaim(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const ref = volume.spec.claimRef;
  if (ref?.name !== claim.metadata.name || ref.namespace !== claim.metadata.namespace) return false;
  return !ref.uid || ref.uid === claim.metadata.uid;
}

/** The scheduler asks for every node: a selector is read once. */
const affinities = new WeakMap<object, NodeTest>();

export function volumeFitsNode(volume: PersistentVolume, node: NodeLike): boolean {
  const required = volume.spec.nodeAffinity?.required;
  if (!required) return true;
  let test = affinities.get(required);
  if (!test) {
    test = nodeSelectorTest(required);
    affinities.set(required, test);
  }
  return test(node);
}

/** The volume, pointing at the claim; marked when it was we who chose it. */
export function withClaimRef(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume {
  const bound = structuredClone(volume);
  if (!isBoundToClaim(volume, claim)) bound.metadata.annotations = { ...bound.metadata.annotations, [boundByController]: 'yes' };
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  if (volume.spec.claimRef?.uid !== uid || !isBoundToClaim(volume, claim)) {
    bound.spec.claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid, resourceVersion };
  }
  return bound;
}

const storageOf = (list: Record<string, string | number> | undefined): string | number => list?.storage ?? '0';

export interface MatchOptions {
  /** The scheduler's path: the volume must be reachable from that node. */
  node?: NodeLike;
  /** Names of volumes that other claims of the same pod were given. */
  excluded?: ReadonlySet<string>;
  /** The PV controller's path for a claim that waits for its first consumer: only a volume that is reserved for it will do. */
  onlyReserved?: boolean;
}

/** The volume that is reserved for the claim, else the smallest available one that satisfies it. */
export function findMatchingVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  { node, excluded, onlyReserved = false }: MatchOptions = {},
): PersistentVolume | undefined {
  const wanted = storageOf(claim.spec.resources?.requests);
  const wantedClass = classOfClaim(claim);
  const selector = claim.spec.selector ? labelSelectorMatcher(claim.spec.selector) : undefined;
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    if (excluded?.has(volume.metadata.name)) continue;
    const reserved = isBoundToClaim(volume, claim);
    if (volume.spec.claimRef && !reserved) continue;
    const capacity = storageOf(volume.spec.capacity);
    if (compareQuantities(capacity, wanted) < 0) continue;
    if ((claim.spec.volumeMode ?? 'Filesystem') !== (volume.spec.volumeMode ?? 'Filesystem')) continue;
    if ((claim.spec.volumeAttributesClassName ?? '') !== (volume.spec.volumeAttributesClassName ?? '')) continue;
    if (volume.metadata.deletionTimestamp) continue;
    const reachable = !node || volumeFitsNode(volume, node);
    if (reserved) return reachable ? volume : undefined;
    if (onlyReserved || !reachable) continue;
    if (volume.status?.phase !== 'Available') continue;
    if (selector && !selector.matches(volume.metadata.labels)) continue;
    if (classOfVolume(volume) !== wantedClass) continue;
    if (!(claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode))) continue;
    if (!best || compareQuantities(storageOf(best.spec.capacity), capacity) > 0) best = volume;
  }
  return best;
}
