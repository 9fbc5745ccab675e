/** What a claim needs next. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.gen.ts';
import { bindCompleted, boundByController, classOfClaim, classOfVolume, findMatchingVolume, isBoundToClaim, selectedNode } from '../../api/core/v1/volumes.ts';
import type { StorageClass } from '../../api/storage/v1/types.gen.ts';
import { compareQuantities } from '../../apimachinery/quantity.ts';
import { bind, setClaimStatus } from './binding.ts';
import { provision } from './provision.ts';
import type { BinderState } from './state.ts';

const isDefaultClass = ({ metadata: { annotations = {} } }: StorageClass): boolean =>
  annotations['storageclass.kubernetes.io/is-default-class'] === 'true' || annotations['storageclass.beta.kubernetes.io/is-default-class'] === 'true';

/** Of several default classes the newest, then the first by name. */
export function defaultClass(classes: readonly StorageClass[]): StorageClass | undefined {
  return classes
    .filter(isDefaultClass)
    .sort(
      (a, b) => (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '') || a.metadata.name.localeCompare(b.metadata.name),
    )[0];
}

export async function syncClaim(state: BinderState, claim: PersistentVolumeClaim): Promise<void> {
  if (claim.metadata.annotations?.[bindCompleted] !== undefined) return syncBound(state, claim);
  return claim.spec.volumeName ? syncRequested(state, claim, claim.spec.volumeName) : syncUnbound(state, claim);
}

async function syncUnbound(state: BinderState, claim: PersistentVolumeClaim): Promise<void> {
  const waits = state.classes.get('', classOfClaim(claim))?.volumeBindingMode === 'WaitForFirstConsumer';
  const volume = findMatchingVolume(claim, state.volumes.list(), { onlyReserved: waits });
  if (volume) return bind(state, volume, claim);
  if (await assignDefaultClass(state, claim)) return;
  if (waits && claim.metadata.annotations?.[selectedNode] === undefined) sayWaiting(state, claim);
  else if (classOfClaim(claim) !== '') return provision(state, claim);
  else state.say(claim, 'Normal', 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set');
  await setClaimStatus(state, claim, 'Pending');
}

async function assignDefaultClass(state: BinderState, claim: PersistentVolumeClaim): Promise<boolean> {
  if (claim.spec.storageClassName !== undefined || claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined) return false;
  const found = defaultClass(state.classes.list());
  if (!found) return false;
  await state.claims.update({ ...claim, spec: { ...claim.spec, storageClassName: found.metadata.name } });
  return true;
}

function sayWaiting(state: BinderState, claim: PersistentVolumeClaim): void {
  const waiting = state.usersOf(claim).filter(({ spec }) => !spec.nodeName);
  const names = waiting.map(({ metadata }) => metadata.name);
  if (names.length === 0) state.say(claim, 'Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
  else
    state.say(
      claim,
      'Normal',
      'WaitForPodScheduled',
      names.length === 1 ? `waiting for pod ${names[0]} to be scheduled` : `waiting for pods ${names.join(',')} to be scheduled`,
    );
}

/** Somebody asks for this very volume. */
async function syncRequested(state: BinderState, claim: PersistentVolumeClaim, name: string): Promise<void> {
  const volume = state.volumes.get(name);
  if (volume && !volume.spec.claimRef) {
    const wrong = mismatch(volume, claim);
    if (!wrong) return bind(state, volume, claim);
    state.say(claim, 'Warning', 'VolumeMismatch', `Cannot bind to requested volume "${name}": ${wrong}`);
  } else if (volume && isBoundToClaim(volume, claim)) {
    return bind(state, volume, claim);
  } else if (volume) {
    state.say(claim, 'Warning', 'FailedBinding', `volume "${name}" already bound to a different claim.`);
    if (claim.metadata.annotations?.[boundByController] !== undefined)
      throw new Error(`volume "${name}" already claimed by ${volume.spec.claimRef?.namespace}/${volume.spec.claimRef?.name}`);
  }
  await setClaimStatus(state, claim, 'Pending');
}

function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (volume.metadata.deletionTimestamp) return `the volume is marked for deletion "${volume.metadata.name}"`;
  if (compareQuantities(volume.spec.capacity?.storage ?? '0', claim.spec.resources?.requests?.storage ?? '0') < 0) return 'requested PV is too small';
  if (classOfVolume(volume) !== classOfClaim(claim)) return 'storageClassName does not match';
  if ((volume.spec.volumeAttributesClassName ?? '') !== (claim.spec.volumeAttributesClassName ?? '')) return 'volumeAttributesClassName does not match';
  if ((volume.spec.volumeMode ?? 'Filesystem') !== (claim.spec.volumeMode ?? 'Filesystem')) return 'incompatible volumeMode';
  return (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode)) ? undefined : 'incompatible accessMode';
}

async function syncBound(state: BinderState, claim: PersistentVolumeClaim): Promise<void> {
  const name = claim.spec.volumeName;
  const volume = name ? state.volumes.get(name) : undefined;
  if (volume && (!volume.spec.claimRef || volume.spec.claimRef.uid === claim.metadata.uid)) return bind(state, volume, claim);
  const [reason, message] = !name
    ? ['ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!']
    : volume
      ? ['ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly']
      : ['ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!'];
  if (claim.status?.phase === 'Lost') return;
  await setClaimStatus(state, claim, 'Lost');
  state.say(claim, 'Warning', reason!, message!);
}
