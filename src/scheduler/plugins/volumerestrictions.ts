/** VolumeRestrictions: disks that only one pod may write, and claims with ReadWriteOncePod. */
import type { Pod, Volume } from '../../api/core/v1/types.gen.ts';
import { type FilterPlugin, type NodeCheck, unresolvable, unschedulable } from '../framework/plugin.ts';
import type { PodInfo } from '../state/podinfo.ts';

const name = 'VolumeRestrictions';
const diskConflict = unschedulable(name, 'node(s) had no available disk');
const claimConflict = unschedulable(name, 'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod');

const isRestricted = ({ gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }: Volume): boolean =>
  !!(gcePersistentDisk ?? awsElasticBlockStore ?? iscsi ?? rbd);

/** The same disk, and not everybody reads only. */
function conflict(a: Volume, b: Volume): boolean {
  if (a.gcePersistentDisk && b.gcePersistentDisk) {
    return a.gcePersistentDisk.pdName === b.gcePersistentDisk.pdName && !(a.gcePersistentDisk.readOnly && b.gcePersistentDisk.readOnly);
  }
  if (a.awsElasticBlockStore && b.awsElasticBlockStore) return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID;
  if (a.iscsi && b.iscsi) return a.iscsi.iqn === b.iscsi.iqn && !(a.iscsi.readOnly && b.iscsi.readOnly);
  if (a.rbd && b.rbd) {
    const shared = a.rbd.monitors.some((monitor) => b.rbd!.monitors.includes(monitor));
    return shared && (a.rbd.pool ?? 'rbd') === (b.rbd.pool ?? 'rbd') && a.rbd.image === b.rbd.image && !(a.rbd.readOnly && b.rbd.readOnly);
  }
  return false;
}

const conflicts = (volumes: readonly Volume[], other: Pod): boolean =>
  volumes.some((volume) => (other.spec.volumes ?? []).some((theirs) => conflict(volume, theirs)));

function createCheck(pod: PodInfo, restricted: readonly Volume[], exclusive: ReadonlySet<string>, users: number): NodeCheck {
  let used = users;
  const uses = (other: PodInfo): number => other.claims.filter((claim) => exclusive.has(claim)).length;
  return {
    filter(node) {
      if (restricted.length > 0) for (const other of node.pods.values()) if (conflicts(restricted, other.pod)) return diskConflict;
      return used > 0 ? claimConflict : undefined;
    },
    addPod(other) {
      used += uses(other);
    },
    removePod(other) {
      used -= uses(other);
    },
    clone: () => createCheck(pod, restricted, exclusive, used),
  };
}

export const volumeRestrictions: FilterPlugin = {
  name,
  prepare(pod, snapshot) {
    const volumes = pod.pod.spec.volumes ?? [];
    if (volumes.length === 0) return undefined;
    const restricted = volumes.filter(isRestricted);
    const exclusive = new Set<string>();
    for (const { persistentVolumeClaim } of volumes) {
      if (!persistentVolumeClaim) continue;
      const claim = snapshot.listers.claims.get(pod.namespace, persistentVolumeClaim.claimName);
      if (!claim) return unresolvable(name, `persistentvolumeclaim "${persistentVolumeClaim.claimName}" not found`);
      if (claim.spec.accessModes?.includes('ReadWriteOncePod')) exclusive.add(`${pod.namespace}/${persistentVolumeClaim.claimName}`);
    }
    const users = [...exclusive].filter((claim) => snapshot.isClaimUsed(claim)).length;
    return restricted.length === 0 && users === 0 ? undefined : createCheck(pod, restricted, exclusive, users);
  },
  wakes: [
    {
      on: 'pod/delete',
      helps: (pod, event) =>
        event.resource === 'pod' &&
        event.old?.metadata.namespace === pod.metadata.namespace &&
        (conflicts((pod.spec.volumes ?? []).filter(isRestricted), event.old!) ||
          (pod.spec.volumes ?? []).some(({ persistentVolumeClaim: own }) =>
            (event.old!.spec.volumes ?? []).some((theirs) => own && theirs.persistentVolumeClaim?.claimName === own.claimName),
          )),
    },
    { on: 'node/add' },
    { on: 'claim/add', helps: (pod, event) => isOwnClaim(pod, event.object) },
  ],
};

const isOwnClaim = (pod: Pod, claim: { metadata: Pod['metadata'] } | undefined): boolean =>
  claim?.metadata.namespace === pod.metadata.namespace &&
  (pod.spec.volumes ?? []).some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === claim?.metadata.name);
