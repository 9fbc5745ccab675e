import { path } from '../../../../apimachinery/fieldpath.ts';
import { nodeTermWarnings } from '../node/labelwarnings.ts';
import type { PersistentVolume, PersistentVolumeSpec } from '../types.gen.ts';

const annotations: Readonly<Record<string, string>> = {
  'volume.beta.kubernetes.io/storage-class': 'deprecated since v1.8; use "storageClassName" attribute instead',
  'volume.beta.kubernetes.io/mount-options': 'deprecated since v1.31; use "mountOptions" attribute instead',
};
const sources: readonly [keyof PersistentVolumeSpec, string, string][] = [
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

export function volumeWarnings({ metadata, spec = {} }: PersistentVolume): string[] {
  const meta = path('metadata', 'annotations');
  const warnings = Object.entries(annotations).flatMap(([key, why]) => (metadata.annotations?.[key] === undefined ? [] : `${meta.key(key)}: ${why}`));
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
    const what = 'The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.';
    warnings.push(`spec.persistentVolumeReclaimPolicy: ${what}`);
  }
  const terms = path('spec', 'nodeAffinity', 'required', 'nodeSelectorTerms');
  for (const [index, term] of (spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).entries()) {
    warnings.push(...nodeTermWarnings(term, false, terms.index(index)));
  }
  for (const [kind, shown, why] of sources) if (spec[kind] !== undefined) warnings.push(`spec.${shown}: ${why}`);
  return warnings;
}
