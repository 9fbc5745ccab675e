/** Which volumes the claims of a pod would get on a node. Pure. */
import { matchesTopology } from '../../api/core/v1/nodeselector.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.gen.ts';
import { classOfClaim, findMatchingVolume, noProvisioner, selectedNode, volumeFitsNode } from '../../api/core/v1/volumes.ts';
import type { StorageClass } from '../../api/storage/v1/types.gen.ts';
import { compareQuantities } from '../../apimachinery/quantity.ts';
import { labelSelectorMatcher } from '../../apimachinery/selectors.ts';
import type { Listers } from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';

export interface PodClaims {
  bound: readonly PersistentVolumeClaim[];
  /** Wait for their first consumer, which is this pod. */
  waiting: readonly PersistentVolumeClaim[];
}

export interface FoundVolumes {
  bindings: { volume: PersistentVolume; claim: PersistentVolumeClaim }[];
  /** Claims for which a volume is to be made at the node. */
  provisions: PersistentVolumeClaim[];
}

export const reasons = {
  nodeConflict: "node(s) didn't match PersistentVolume's node affinity",
  bindConflict: "node(s) didn't find available persistent volumes to bind",
  notEnoughSpace: 'node(s) did not have enough free storage',
  volumeMissing: 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)',
} as const;

const sizeOf = (claim: PersistentVolumeClaim): string | number => claim.spec.resources?.requests?.storage ?? '0';

/** What the claims would get on the node, or the reasons why they would not. */
export function findVolumes({ bound, waiting }: PodClaims, node: NodeInfo, listers: Listers): FoundVolumes | { reasons: string[] } {
  const failed: string[] = [];
  let conflict: string | undefined;
  for (const claim of bound) {
    const volume = listers.volumes.get('', claim.spec.volumeName ?? '');
    if (!volume) conflict = reasons.volumeMissing;
    else if (!volumeFitsNode(volume, node)) conflict = reasons.nodeConflict;
    if (conflict) break;
  }
  if (conflict === reasons.nodeConflict) failed.push(conflict);
  const found = findForWaiting(waiting, node, listers);
  if (typeof found === 'string') failed.push(found);
  if (conflict === reasons.volumeMissing) failed.push(conflict);
  return failed.length > 0 || typeof found === 'string' ? { reasons: failed } : found;
}

function findForWaiting(waiting: readonly PersistentVolumeClaim[], node: NodeInfo, listers: Listers): FoundVolumes | string {
  const found: FoundVolumes = { bindings: [], provisions: [] };
  const unmatched: PersistentVolumeClaim[] = [];
  for (const claim of waiting) {
    const chosen = claim.metadata.annotations?.[selectedNode];
    if (chosen === undefined) unmatched.push(claim);
    else if (chosen !== node.name) return reasons.bindConflict;
    else found.provisions.push(claim);
  }
  if (unmatched.length > 0) {
    const volumes = listers.volumes.list();
    const taken = new Set<string>();
    // The smallest first, so that it does not get what only the larger one needs.
    for (const claim of unmatched.sort((a, b) => compareQuantities(sizeOf(a), sizeOf(b)))) {
      const volume = findMatchingVolume(claim, volumes, { node, excluded: taken });
      if (!volume) {
        found.provisions.push(claim);
        continue;
      }
      taken.add(volume.metadata.name);
      found.bindings.push({ volume, claim });
    }
  }
  for (const claim of found.provisions) {
    const problem = provisionProblem(claim, listers.storageClasses.get('', classOfClaim(claim)), node, listers);
    if (problem) return problem;
  }
  return found;
}

function provisionProblem(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined, node: NodeInfo, listers: Listers): string | undefined {
  if (!storageClass?.provisioner || storageClass.provisioner === noProvisioner) return reasons.bindConflict;
  if (!matchesTopology(storageClass.allowedTopologies, node.labels)) return reasons.bindConflict;
  return hasCapacity(claim, storageClass, node, listers) ? undefined : reasons.notEnoughSpace;
}

/** Only drivers that ask for it publish capacities; where they do, one that the node reaches must be large enough (KEP-1472). */
function hasCapacity(claim: PersistentVolumeClaim, { metadata, provisioner }: StorageClass, node: NodeInfo, listers: Listers): boolean {
  const wanted = claim.spec.resources?.requests?.storage;
  if (wanted === undefined || !listers.csiDrivers.get('', provisioner)?.spec.storageCapacity) return true;
  return listers.storageCapacities.list().some(({ storageClassName, maximumVolumeSize, capacity, nodeTopology }) => {
    const limit = maximumVolumeSize ?? capacity;
    if (storageClassName !== metadata.name || limit === undefined || compareQuantities(limit, wanted) < 0) return false;
    return nodeTopology !== undefined && labelSelectorMatcher(nodeTopology).matches(node.labels);
  });
}
