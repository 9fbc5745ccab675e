/** VolumeBinding: the claims of the pod are bound to volumes that the node reaches, or can be. */

import type { PersistentVolumeClaim, Pod } from '../../api/core/v1/types.gen.ts';
import { claimNameOf, classOfClaim, isEphemeralClaimOf, isFullyBound } from '../../api/core/v1/volumes.ts';
import { type FilterPlugin, type Rejection, type Snapshot, unresolvable, type WakeEvent } from '../framework/plugin.ts';
import type { PodInfo } from '../state/podinfo.ts';
import type { VolumeBinder } from '../volumes/binder.ts';
import { type FoundVolumes, findVolumes, type PodClaims } from '../volumes/find.ts';

const name = 'VolumeBinding';

function claimsOf(pod: Pod, { listers }: Snapshot): PersistentVolumeClaim[] | Rejection {
  const claims: PersistentVolumeClaim[] = [];
  for (const volume of pod.spec.volumes ?? []) {
    const claimName = claimNameOf(pod, volume);
    if (claimName === undefined) continue;
    const claim = listers.claims.get(pod.metadata.namespace ?? '', claimName);
    if (!claim) {
      return unresolvable(
        name,
        volume.ephemeral
          ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${claimName}"`
          : `persistentvolumeclaim "${claimName}" not found`,
      );
    }
    if (claim.status?.phase === 'Lost') {
      return unresolvable(name, `persistentvolumeclaim "${claimName}" bound to non-existent persistentvolume "${claim.spec.volumeName}"`);
    }
    if (claim.metadata.deletionTimestamp) return unresolvable(name, `persistentvolumeclaim "${claimName}" is being deleted`);
    if (volume.ephemeral && !isEphemeralClaimOf(pod, claim)) {
      return unresolvable(
        name,
        `PVC ${claim.metadata.namespace}/${claimName} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`,
      );
    }
    claims.push(claim);
  }
  return claims;
}

function sort(claims: readonly PersistentVolumeClaim[], { listers }: Snapshot): PodClaims | Rejection {
  const bound: PersistentVolumeClaim[] = [];
  const waiting: PersistentVolumeClaim[] = [];
  for (const claim of claims) {
    if (isFullyBound(claim)) bound.push(claim);
    else if (!claim.spec.volumeName && listers.storageClasses.get('', classOfClaim(claim))?.volumeBindingMode === 'WaitForFirstConsumer') waiting.push(claim);
    else return unresolvable(name, 'pod has unbound immediate PersistentVolumeClaims');
  }
  return { bound, waiting };
}

export const createVolumeBinding = (binder: VolumeBinder): FilterPlugin => ({
  name,
  prepare(pod: PodInfo, snapshot) {
    if (pod.claims.length === 0) return undefined;
    const claims = claimsOf(pod.pod, snapshot);
    if ('reasons' in claims) return claims;
    const sorted = sort(claims, snapshot);
    if ('reasons' in sorted) return sorted;
    const found = new Map<string, FoundVolumes>();
    return {
      filter(node) {
        const volumes = findVolumes(sorted, node, snapshot.listers);
        if ('reasons' in volumes) return unresolvable(name, ...volumes.reasons);
        found.set(node.name, volumes);
        return undefined;
      },
      reserve(node) {
        const volumes = found.get(node.name);
        return volumes && binder.reserve(pod.pod, node, volumes);
      },
    };
  },
  wakes: [
    { on: 'storageclass/add' },
    { on: 'storageclass/update' },
    { on: 'claim/add', helps: usesClaim },
    { on: 'claim/update', helps: usesClaim },
    { on: 'volume/add' },
    { on: 'volume/update' },
    { on: 'node/add' },
    { on: 'node/labels' },
    { on: 'csinode/add' },
    { on: 'csidriver/update' },
    { on: 'storagecapacity/add' },
    { on: 'storagecapacity/update' },
  ],
});

function usesClaim(pod: Pod, { object }: WakeEvent): boolean {
  if (object?.metadata.namespace !== pod.metadata.namespace) return false;
  return (pod.spec.volumes ?? []).some((volume) => claimNameOf(pod, volume) === object?.metadata.name);
}
