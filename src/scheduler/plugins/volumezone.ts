/** VolumeZone: a volume that is labelled with zone or region is reached from nodes with the same label. */
import type { PersistentVolume } from '../../api/core/v1/types.gen.ts';
import { classOfClaim } from '../../api/core/v1/volumes.ts';
import { type FilterPlugin, type Rejection, type Snapshot, unresolvable } from '../framework/plugin.ts';
import type { PodInfo } from '../state/podinfo.ts';

const name = 'VolumeZone';
const rejection = unresolvable(name, 'node(s) had no available volume zone');

const zone = 'topology.kubernetes.io/zone';
const region = 'topology.kubernetes.io/region';
const betaZone = 'failure-domain.beta.kubernetes.io/zone';
const betaRegion = 'failure-domain.beta.kubernetes.io/region';
const labels = [betaZone, betaRegion, zone, region];
const current: Readonly<Record<string, string>> = { [betaZone]: zone, [betaRegion]: region };

interface Wanted {
  key: string;
  values: ReadonlySet<string>;
}

const wantedBy = (volume: PersistentVolume): Wanted[] =>
  labels.flatMap((key) => {
    const value = volume.metadata.labels?.[key];
    return value === undefined ? [] : [{ key, values: new Set(value.split('__').map((one) => one.trim())) }];
  });

function wantedOf(pod: PodInfo, { listers }: Snapshot): Wanted[] | Rejection {
  const wanted: Wanted[] = [];
  for (const { persistentVolumeClaim } of pod.pod.spec.volumes ?? []) {
    if (!persistentVolumeClaim) continue;
    const claim = listers.claims.get(pod.namespace, persistentVolumeClaim.claimName);
    if (!claim) return unresolvable(name, `persistentvolumeclaim "${persistentVolumeClaim.claimName}" not found`);
    if (!claim.spec.volumeName) {
      const className = classOfClaim(claim);
      if (className === '') return unresolvable(name, 'PersistentVolumeClaim had no pv name and storageClass name');
      const storageClass = listers.storageClasses.get('', className);
      if (!storageClass) return unresolvable(name, `storageclass.storage.k8s.io "${className}" not found`);
      if (storageClass.volumeBindingMode === 'WaitForFirstConsumer') continue;
      return unresolvable(name, 'PersistentVolume had no name');
    }
    const volume = listers.volumes.get('', claim.spec.volumeName);
    if (!volume) return unresolvable(name, `persistentvolume "${claim.spec.volumeName}" not found`);
    wanted.push(...wantedBy(volume));
  }
  return wanted;
}

export const volumeZone: FilterPlugin = {
  name,
  prepare(pod, snapshot) {
    if (pod.claims.length === 0) return undefined;
    const wanted = wantedOf(pod, snapshot);
    if ('reasons' in wanted) return wanted;
    if (wanted.length === 0) return undefined;
    return {
      filter(node) {
        // A cluster in one zone may not label its nodes at all.
        if (!labels.some((label) => node.labels[label] !== undefined)) return undefined;
        const fits = wanted.every(({ key, values }) => {
          const value = node.labels[key] ?? node.labels[current[key] ?? key];
          return value !== undefined && values.has(value);
        });
        return fits ? undefined : rejection;
      },
    };
  },
  wakes: [
    { on: 'storageclass/add' },
    { on: 'node/add' },
    { on: 'node/labels' },
    { on: 'claim/add' },
    { on: 'claim/update' },
    { on: 'volume/add' },
    { on: 'volume/update' },
  ],
};
