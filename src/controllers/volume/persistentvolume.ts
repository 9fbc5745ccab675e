/** What a volume needs next. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.gen.ts';
import { provisionedBy } from '../../api/core/v1/volumes.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { setVolumePhase, unbind } from './binding.ts';
import { isBuiltIn } from './provision.ts';
import type { BinderState } from './state.ts';

/** `enqueueClaim` has the claim looked at, which finishes the binding. */
export async function syncVolume(state: BinderState, volume: PersistentVolume, enqueueClaim: (key: string) => void): Promise<void> {
  const { claimRef } = volume.spec;
  // Nobody's, or kept for a claim that has not come yet.
  if (!claimRef?.uid) {
    await setVolumePhase(state, volume, 'Available');
    return;
  }
  const claim = await claimOf(state, volume);
  if (!claim) return release(state, volume);
  if (!claim.spec.volumeName) {
    if ((claim.spec.volumeMode ?? 'Filesystem') !== (volume.spec.volumeMode ?? 'Filesystem')) {
      const why = 'due to incompatible volumeMode.';
      state.say(volume, 'Warning', 'VolumeMismatch', `Cannot bind PersistentVolume to requested PersistentVolumeClaim "${claim.metadata.name}" ${why}`);
      state.say(claim, 'Warning', 'VolumeMismatch', `Cannot bind PersistentVolume "${volume.metadata.name}" to requested PersistentVolumeClaim ${why}`);
      return;
    }
    enqueueClaim(`${claim.metadata.namespace}/${claim.metadata.name}`);
    return;
  }
  if (claim.spec.volumeName === volume.metadata.name) {
    await setVolumePhase(state, volume, 'Bound');
    return;
  }
  // The claim found another volume. One that was made for it has no other use.
  if (volume.metadata.annotations?.[provisionedBy] !== undefined && volume.spec.persistentVolumeReclaimPolicy === 'Delete') return release(state, volume);
  return unbind(state, volume);
}

/** The claim that the volume is bound to. Before data is given up, the server is asked: the cache may lag. */
async function claimOf(state: BinderState, volume: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
  const { namespace = '', name = '', uid } = volume.spec.claimRef ?? {};
  const seen = state.claims.get(`${namespace}/${name}`);
  if (seen?.metadata.uid === uid) return seen;
  if (!seen && (volume.status?.phase === 'Released' || volume.status?.phase === 'Failed')) return undefined;
  try {
    const current = await state.claims.resource.get(namespace, name);
    return current.metadata.uid === uid ? current : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function release(state: BinderState, volume: PersistentVolume): Promise<void> {
  const failed = volume.status?.phase === 'Failed';
  const released = failed ? volume : await setVolumePhase(state, volume, 'Released');
  const name = volume.metadata.name;
  const fail = async (reason: string, message: string): Promise<void> => {
    if (released.status?.phase === 'Failed') return;
    const written = await setVolumePhase(state, released, 'Failed', message);
    state.say(written, 'Warning', reason, message);
  };
  switch (volume.spec.persistentVolumeReclaimPolicy ?? 'Retain') {
    case 'Retain':
      return;
    case 'Recycle':
      return fail('VolumeFailedRecycle', 'No recycler plugin found for the volume!');
    case 'Delete': {
      const provisioner = volume.metadata.annotations?.[provisionedBy];
      // What somebody else made, somebody else deletes.
      if (provisioner !== undefined && !isBuiltIn(provisioner)) return;
      if (provisioner === undefined)
        return fail('VolumeFailedDelete', `error getting deleter volume plugin for volume "${name}": no deletable volume plugin matched`);
      if (!volume.metadata.deletionTimestamp) {
        await state.volumes.remove(released).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      }
      return;
    }
    default:
      return fail('VolumeUnknownReclaimPolicy', 'Volume has unrecognized PersistentVolumeReclaimPolicy');
  }
}
