/** Volumes, claims and drivers of a generated cluster, and pods that use them. */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../../../src/api/core/v1/types.gen.ts';
import type { GeneratedCluster } from './generate.ts';
import type { Random } from './random.ts';
import { zone } from './words.ts';

export interface StorageMaker {
  use(pod: Pod, placed: boolean): void;
}

const driver = 'csi.example.com';

export function addStorage(random: Random, cluster: GeneratedCluster, seed: number): StorageMaker {
  const { nodes } = cluster;
  const class_ = (kind: string): string => `${kind}-${seed}`;
  cluster.csiDrivers.push({ metadata: { name: driver }, spec: { storageCapacity: random.chance(0.6), attachRequired: true } });
  cluster.storageClasses.push(
    { metadata: { name: class_('wait') }, provisioner: driver, volumeBindingMode: 'WaitForFirstConsumer' },
    {
      metadata: { name: class_('zoned') },
      provisioner: driver,
      volumeBindingMode: 'WaitForFirstConsumer',
      allowedTopologies: [{ matchLabelExpressions: [{ key: zone, values: random.some(['z1', 'z2', 'z3']) }] }],
    },
    { metadata: { name: class_('local') }, provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' },
    { metadata: { name: class_('now') }, provisioner: driver, volumeBindingMode: 'Immediate' },
  );
  for (const { metadata } of nodes) {
    if (!random.chance(0.7)) continue;
    const allocatable = random.chance(0.8) ? { count: random.int(1, 3) } : undefined;
    cluster.csiNodes.push({
      metadata: { name: metadata.name },
      spec: { drivers: [{ name: driver, nodeID: metadata.name, topologyKeys: [zone], ...(allocatable ? { allocatable } : {}) }] },
    });
  }
  for (const [index, value] of ['z1', 'z2', 'z3'].entries()) {
    if (random.chance(0.3)) continue;
    cluster.storageCapacities.push({
      metadata: { name: `capacity-${index}-${seed}`, namespace: 'red' },
      storageClassName: class_(random.pick(['wait', 'zoned'])),
      nodeTopology: { matchLabels: { [zone]: value } },
      capacity: random.pick(['1Gi', '5Gi', '100Gi']),
      ...(random.chance(0.3) ? { maximumVolumeSize: '2Gi' } : {}),
    });
  }

  const nodeAffinityOf = (): PersistentVolume['spec']['nodeAffinity'] => ({
    required: {
      nodeSelectorTerms: [
        {
          matchExpressions: [
            random.chance(0.5)
              ? { key: 'kubernetes.io/hostname', operator: 'In', values: random.some(nodes).map(({ metadata }) => metadata.name) }
              : { key: zone, operator: 'In', values: random.some(['z1', 'z2', 'z3']) },
          ],
        },
      ],
    },
  });

  function addVolume(name: string, className: string, claim?: PersistentVolumeClaim): void {
    const zoned = random.chance(0.3) ? { labels: { [zone]: random.pick(['z1', 'z2', 'z1__z2']) } } : {};
    cluster.volumes.push({
      metadata: { name, ...zoned },
      spec: {
        capacity: { storage: random.pick(['1Gi', '5Gi']) },
        accessModes: ['ReadWriteOnce'],
        storageClassName: className,
        persistentVolumeReclaimPolicy: 'Retain',
        volumeMode: 'Filesystem',
        csi: { driver, volumeHandle: `handle-${name}` },
        ...(random.chance(0.6) ? { nodeAffinity: nodeAffinityOf() } : {}),
        ...(claim ? { claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace: 'red', name: claim.metadata.name } } : {}),
      },
      status: { phase: claim ? 'Bound' : 'Available' },
    });
  }

  const claims: PersistentVolumeClaim[] = [];
  function addClaim(index: number): void {
    const kind = random.pick(['bound', 'bound', 'wait', 'wait', 'zoned', 'local', 'now', 'exclusive', 'lost']);
    const bound = ['bound', 'exclusive', 'lost'].includes(kind);
    const className = class_(bound ? 'wait' : kind);
    const name = `claim-${index}-${seed}`;
    const claim: PersistentVolumeClaim = {
      metadata: { name, namespace: 'red' },
      spec: {
        accessModes: [kind === 'exclusive' ? 'ReadWriteOncePod' : 'ReadWriteOnce'],
        resources: { requests: { storage: random.pick(['1Gi', '3Gi']) } },
        storageClassName: className,
        volumeMode: 'Filesystem',
      },
      status: { phase: 'Pending' },
    };
    if (bound) {
      claim.spec.volumeName = `volume-${index}-${seed}`;
      claim.metadata.annotations = { 'pv.kubernetes.io/bind-completed': 'yes' };
      claim.status = { phase: kind === 'lost' ? 'Lost' : 'Bound' };
      if (kind !== 'lost') addVolume(claim.spec.volumeName, className, claim);
    }
    claims.push(claim);
    cluster.claims.push(claim);
  }
  for (let index = 0; index < 6; index++) addClaim(index);
  const free = random.int(0, 4);
  for (let index = 0; index < free; index++) addVolume(`free-${index}-${seed}`, class_(random.pick(['local', 'local', 'wait'])));

  return {
    use(pod, placed) {
      const usable = placed ? claims.filter(({ spec }) => spec.volumeName) : claims;
      if (usable.length === 0) return;
      pod.metadata.namespace = 'red';
      const chosen = [...new Set([random.pick(usable), random.pick(usable)].slice(0, random.int(1, 2)))];
      const volumes = chosen.map((claim, index) => ({ name: `claim-${index}`, persistentVolumeClaim: { claimName: claim.metadata.name } }));
      if (!placed && random.chance(0.05)) volumes.push({ name: 'missing', persistentVolumeClaim: { claimName: 'missing' } });
      pod.spec.volumes = [...(pod.spec.volumes ?? []), ...volumes];
    },
  };
}
