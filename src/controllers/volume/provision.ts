/** Finds who makes a volume for a claim: the provisioner that is built in, or an external one, which is told by an annotation. */
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.gen.ts';
import { betaStorageProvisioner, boundByController, classOfClaim, provisionedBy, selectedNode, storageProvisioner } from '../../api/core/v1/volumes.ts';
import type { StorageClass } from '../../api/storage/v1/types.gen.ts';
import { isAlreadyExists } from '../../apimachinery/errors.ts';
import { setClaimStatus } from './binding.ts';
import { localProvisioner } from './localprovisioner.ts';
import type { BinderState } from './state.ts';

export interface ProvisionRequest {
  claim: PersistentVolumeClaim;
  storageClass: StorageClass;
  /** Where the first consumer will run. */
  node: Node | undefined;
  volumeName: string;
  /** The directory for volumes on nodes that name none. */
  localVolumeDir: string | undefined;
}

export interface Provisioner {
  name: string;
  /** The volume's own part. Throws what the user should read. */
  provision(request: ProvisionRequest): Pick<PersistentVolume, 'spec'>;
}

const builtIn: readonly Provisioner[] = [localProvisioner];
export const isBuiltIn = (name: string): boolean => builtIn.some((one) => one.name === name);

const failed = 'ProvisioningFailed';

/** Starts, or finishes, the making of a volume. The claim stays pending until the volume is there. */
export async function provision(state: BinderState, claim: PersistentVolumeClaim): Promise<void> {
  const className = classOfClaim(claim);
  const storageClass = state.classes.get('', className);
  if (!storageClass) {
    state.say(claim, 'Warning', failed, `storageclass.storage.k8s.io "${className}" not found`);
    await setClaimStatus(state, claim, 'Pending');
    return;
  }
  const provisioner = builtIn.find(({ name }) => name === storageClass.provisioner);
  if (provisioner) return provisionOurselves(state, provisioner, claim, storageClass);
  if (storageClass.provisioner.startsWith('kubernetes.io/')) {
    state.say(claim, 'Warning', failed, `no volume plugin matched name: ${storageClass.provisioner}`);
    await setClaimStatus(state, claim, 'Pending');
    return;
  }
  const annotated = await setProvisioner(state, claim, storageClass.provisioner);
  state.say(
    annotated,
    'Normal',
    'ExternalProvisioning',
    `Waiting for a volume to be created either by the external provisioner '${storageClass.provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`,
  );
  await setClaimStatus(state, annotated, 'Pending');
}

function setProvisioner(state: BinderState, claim: PersistentVolumeClaim, name: string): Promise<PersistentVolumeClaim> | PersistentVolumeClaim {
  const annotations = claim.metadata.annotations ?? {};
  if (annotations[storageProvisioner] === name) return claim;
  return state.claims.update({
    ...claim,
    metadata: { ...claim.metadata, annotations: { ...annotations, [storageProvisioner]: name, [betaStorageProvisioner]: name } },
  });
}

async function provisionOurselves(state: BinderState, provisioner: Provisioner, pending: PersistentVolumeClaim, storageClass: StorageClass): Promise<void> {
  const volumeName = `pvc-${pending.metadata.uid}`;
  if (state.volumes.get(volumeName)) return;
  const claim = await setClaimStatus(state, await setProvisioner(state, pending, provisioner.name), 'Pending');
  const chosen = claim.metadata.annotations?.[selectedNode];
  const node = chosen === undefined ? undefined : state.nodes.get('', chosen);
  let made: Pick<PersistentVolume, 'spec'>;
  try {
    if (chosen !== undefined && !node) throw new Error(`node "${chosen}" not found`);
    made = provisioner.provision({ claim, storageClass, node, volumeName, localVolumeDir: state.localVolumeDir });
  } catch (error) {
    state.say(claim, 'Warning', failed, `Failed to provision volume with StorageClass "${storageClass.metadata.name}": ${(error as Error).message}`);
    await reschedule(state, claim);
    return;
  }
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  const volume: PersistentVolume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: volumeName, annotations: { [boundByController]: 'yes', [provisionedBy]: provisioner.name } },
    spec: {
      ...made.spec,
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion },
      storageClassName: storageClass.metadata.name,
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      ...(storageClass.mountOptions?.length ? { mountOptions: storageClass.mountOptions } : {}),
    },
  };
  try {
    await state.volumes.create(volume);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  state.say(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${volumeName} using ${provisioner.name}`);
}

/** Tells the scheduler to choose another node. */
async function reschedule(state: BinderState, claim: PersistentVolumeClaim): Promise<void> {
  const { [selectedNode]: chosen, ...annotations } = claim.metadata.annotations ?? {};
  if (chosen !== undefined) await state.claims.update({ ...claim, metadata: { ...claim.metadata, annotations } });
}
