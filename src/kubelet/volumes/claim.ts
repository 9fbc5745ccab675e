/** persistentVolumeClaim: follows a claim to the persistent volume that it is bound to, and uses what that one stands for. */
import { chmod, mkdir, stat } from 'node:fs/promises';
import { persistentvolumes } from '../../api/core/v1/persistentvolume.ts';
import { persistentvolumeclaims } from '../../api/core/v1/persistentvolumeclaim.ts';
import type { PersistentVolume, PersistentVolumeClaim, Volume } from '../../api/core/v1/types.gen.ts';
import { localProvisioner, provisionedBy } from '../../api/core/v1/volumes.ts';
import { mountPersistent } from '../csi/volume.ts';
import { checkHostPath } from './hostpath.ts';
import type { VolumePlugin, VolumeRequest } from './plugin.ts';

const gidAnnotation = 'pv.beta.kubernetes.io/gid';

/** The claim's name, also for generic ephemeral volumes, whose claim is named after pod and volume. */
const claimName = (podName: string, volume: Volume): string => volume.persistentVolumeClaim?.claimName ?? `${podName}-${volume.name}`;

async function boundVolume({ context, pod, volume }: VolumeRequest): Promise<{ claim: PersistentVolumeClaim; pv: PersistentVolume }> {
  const namespace = pod.metadata.namespace ?? '';
  const name = claimName(pod.metadata.name, volume);
  const claim = await context.client.resource(persistentvolumeclaims).get(namespace, name);
  if (volume.ephemeral && !claim.metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === pod.metadata.uid)) {
    throw new Error(`PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`);
  }
  if (claim.metadata.deletionTimestamp) throw new Error(`PVC is being deleted`);
  const volumeName = claim.spec?.volumeName;
  if (claim.status?.phase !== 'Bound' || !volumeName) throw new Error(`PVC is not bound`);
  const pv = await context.client.resource(persistentvolumes).get('', volumeName);
  if (pv.spec?.claimRef?.uid !== claim.metadata.uid)
    throw new Error(`pv.Spec.ClaimRef.UID ${pv.spec?.claimRef?.uid ?? ''} is not equal to pvcUID ${claim.metadata.uid}`);
  return { claim, pv };
}

/** Open to every user, since a pod without fsGroup may run as any; umask does not apply to `chmod`. */
async function makeDirectory(path: string): Promise<void> {
  if (await mkdir(path, { recursive: true })) await chmod(path, 0o777);
}

export const persistentVolumeClaim: VolumePlugin = {
  name: 'persistent-volume-claim',
  handles: (volume) => volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined,
  setUp: async (request) => {
    const { claim, pv } = await boundVolume(request);
    const gid = pv.metadata.annotations?.[gidAnnotation];
    const readOnly = request.volume.persistentVolumeClaim?.readOnly ?? false;
    const common = { readOnly, ...(gid === undefined ? {} : { gid: Number(gid) }) };
    const { hostPath, local } = pv.spec ?? {};
    if (hostPath) {
      await checkHostPath(hostPath.path, hostPath.type ?? '');
      return { path: hostPath.path, ...common };
    }
    if (local) {
      // A volume that was provisioned for this node begins as an empty directory; any other must be there.
      if (pv.metadata.annotations?.[provisionedBy] === localProvisioner) await makeDirectory(local.path);
      const info = await stat(local.path).catch(() => undefined);
      if (!info) throw new Error(`path "${local.path}" does not exist`);
      const device = info.isBlockDevice();
      return { path: local.path, ownership: !device && !readOnly, device: device && claim.spec?.volumeMode === 'Block', ...common };
    }
    return { ...(await mountPersistent(request, pv, readOnly)), ...(gid === undefined ? {} : { gid: Number(gid) }) };
  },
};
