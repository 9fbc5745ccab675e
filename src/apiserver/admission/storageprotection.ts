/** Volumes, claims and attribute classes get a finalizer that keeps them while they are in use. */

import { persistentvolumes } from '../../api/core/v1/persistentvolume.ts';
import { persistentvolumeclaims } from '../../api/core/v1/persistentvolumeclaim.ts';
import type { KindDefinition } from '../../api/kind.ts';
import { volumeattributesclasses } from '../../api/storage/v1/volumeattributesclass.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../contracts.ts';
import { isAbout, objectOf } from './attributes.ts';

const finalizers: readonly (readonly [KindDefinition, string])[] = [
  [persistentvolumes, 'kubernetes.io/pv-protection'],
  [persistentvolumeclaims, 'kubernetes.io/pvc-protection'],
  [volumeattributesclasses, 'kubernetes.io/vac-protection'],
];

const finalizerFor = (attributes: AdmissionAttributes): string | undefined => finalizers.find(([kind]) => isAbout(attributes, kind))?.[1];

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  handles: (attributes) => attributes.operation === 'CREATE' && finalizerFor(attributes) !== undefined,
  admit(attributes) {
    const { metadata } = objectOf(attributes);
    const finalizer = finalizerFor(attributes);
    if (finalizer && !metadata.finalizers?.includes(finalizer)) metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
  },
};
