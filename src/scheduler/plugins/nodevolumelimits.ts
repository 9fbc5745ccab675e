/** NodeVolumeLimits: a node can attach only so many volumes of a CSI driver, as its CSINode says. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { claimNameOf, classOfClaim } from '../../api/core/v1/volumes.ts';
import { type FilterPlugin, type Snapshot, unresolvable, unschedulable } from '../framework/plugin.ts';

const name = 'NodeVolumeLimits';
const rejection = unschedulable(name, 'node(s) exceed max volume count');

/** Volume (`driver/handle`) → driver, of all CSI volumes of the pod; a claim without a volume counts as one that will be. */
function volumesOf(pod: Pod, { listers }: Snapshot): Map<string, string> {
  const found = new Map<string, string>();
  for (const volume of pod.spec.volumes ?? []) {
    const claimName = claimNameOf(pod, volume);
    const claim = claimName === undefined ? undefined : listers.claims.get(pod.metadata.namespace ?? '', claimName);
    if (!claim) continue;
    const bound = claim.spec.volumeName ? listers.volumes.get('', claim.spec.volumeName) : undefined;
    if (bound) {
      if (bound.spec.csi) found.set(`${bound.spec.csi.driver}/${bound.spec.csi.volumeHandle}`, bound.spec.csi.driver);
      continue;
    }
    const driver = listers.storageClasses.get('', classOfClaim(claim))?.provisioner;
    if (driver && !driver.startsWith('kubernetes.io/')) found.set(`${driver}/${claim.metadata.namespace}/${claim.metadata.name}`, driver);
  }
  return found;
}

function limitsOf(nodeName: string, { listers }: Snapshot): Map<string, number> {
  const drivers = listers.csiNodes.get('', nodeName)?.spec.drivers ?? [];
  return new Map(drivers.flatMap(({ name: driver, allocatable }) => (allocatable?.count === undefined ? [] : [[driver, allocatable.count] as const])));
}

export const nodeVolumeLimits: FilterPlugin = {
  name,
  prepare(pod, snapshot) {
    if (pod.claims.length === 0) return undefined;
    for (const { persistentVolumeClaim } of pod.pod.spec.volumes ?? []) {
      const claimName = persistentVolumeClaim?.claimName;
      if (claimName && !snapshot.listers.claims.get(pod.namespace, claimName)) return unresolvable(name, `persistentvolumeclaim "${claimName}" not found`);
    }
    const wanted = volumesOf(pod.pod, snapshot);
    if (wanted.size === 0) return undefined;
    return {
      filter(node) {
        const limits = limitsOf(node.name, snapshot);
        if (limits.size === 0) return undefined;
        const attached = new Map<string, string>();
        for (const other of node.pods.values()) {
          if (other.claims.length > 0) for (const [volume, driver] of volumesOf(other.pod, snapshot)) attached.set(volume, driver);
        }
        const count = (driver: string): number => [...attached.values()].filter((one) => one === driver).length;
        const more = new Map<string, number>();
        for (const [volume, driver] of wanted) if (!attached.has(volume)) more.set(driver, (more.get(driver) ?? 0) + 1);
        const exceeded = [...more].some(([driver, volumes]) => limits.has(driver) && count(driver) + volumes > limits.get(driver)!);
        return exceeded ? rejection : undefined;
      },
    };
  },
  wakes: [
    { on: 'csinode/add' },
    { on: 'csinode/update' },
    {
      on: 'pod/delete',
      helps: (_pod, event) => event.resource === 'pod' && (event.old?.spec.volumes ?? []).some((one) => one.persistentVolumeClaim ?? one.ephemeral),
    },
    { on: 'claim/add' },
    { on: 'attachment/delete' },
  ],
};
