/** The writes that bind a claim and a volume to each other. Each is left out when the object says so already, so that a binding that was cut off is finished. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.gen.ts';
import { bindCompleted, boundByController, isBoundToClaim, withClaimRef } from '../../api/core/v1/volumes.ts';
import { deepEqual } from '../../apimachinery/equality.ts';
import type { BinderState } from './state.ts';

export async function setVolumePhase(state: BinderState, volume: PersistentVolume, phase: string, message?: string): Promise<PersistentVolume> {
  if (volume.status?.phase === phase) return volume;
  const status = { ...volume.status, phase };
  if (message) status.message = message;
  else delete status.message;
  return state.volumes.updateStatus({ ...volume, status });
}

/** `volume` is what the claim is bound to; without it the status says nothing of one. */
export async function setClaimStatus(
  state: BinderState,
  claim: PersistentVolumeClaim,
  phase: string,
  volume?: PersistentVolume,
): Promise<PersistentVolumeClaim> {
  const { accessModes: _modes, capacity, currentVolumeAttributesClassName, ...rest } = claim.status ?? {};
  const status: PersistentVolumeClaim['status'] = { ...rest, phase };
  if (volume) {
    status.accessModes = volume.spec.accessModes;
    // The file system may lag behind the device after an expansion: only what becomes bound takes the volume's capacity.
    status.capacity = claim.status?.phase === phase && capacity ? capacity : volume.spec.capacity;
    const attributes = claim.status?.phase === phase ? currentVolumeAttributesClassName : volume.spec.volumeAttributesClassName;
    if (attributes) status.currentVolumeAttributesClassName = attributes;
  }
  return deepEqual(JSON.parse(JSON.stringify(status)), claim.status ?? {}) ? claim : state.claims.updateStatus({ ...claim, status });
}

export async function bind(state: BinderState, volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
  const pointing =
    volume.spec.claimRef?.uid === claim.metadata.uid && isBoundToClaim(volume, claim) ? volume : await state.volumes.update(withClaimRef(volume, claim));
  await setVolumePhase(state, pointing, 'Bound');
  const bound = await bindClaim(state, claim, pointing);
  await setClaimStatus(state, bound, 'Bound', pointing);
}

function bindClaim(state: BinderState, claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<PersistentVolumeClaim> | PersistentVolumeClaim {
  const annotations = { ...claim.metadata.annotations };
  const chosen = claim.spec.volumeName !== volume.metadata.name;
  if (chosen) annotations[boundByController] = 'yes';
  if (!chosen && annotations[bindCompleted] !== undefined) return claim;
  annotations[bindCompleted] = 'yes';
  return state.claims.update({ ...claim, metadata: { ...claim.metadata, annotations }, spec: { ...claim.spec, volumeName: volume.metadata.name } });
}

/** Lets the volume go: entirely when we had bound it, back to reserved when somebody made it for that claim. */
export async function unbind(state: BinderState, volume: PersistentVolume): Promise<void> {
  const { [boundByController]: ours, ...annotations } = volume.metadata.annotations ?? {};
  const { claimRef, ...spec } = volume.spec;
  const { uid: _uid, ...reserved } = claimRef ?? {};
  const free = await state.volumes.update({
    ...volume,
    metadata: { ...volume.metadata, annotations },
    spec: ours === undefined && claimRef ? { ...spec, claimRef: reserved } : spec,
  });
  await setVolumePhase(state, free, 'Available');
}
