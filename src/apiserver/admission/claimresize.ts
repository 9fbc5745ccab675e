/** A claim grows only while it is bound, and only when its storage class knows how. */
import { persistentvolumeclaims } from '../../api/core/v1/persistentvolumeclaim.ts';
import type { PersistentVolumeClaim } from '../../api/core/v1/types.gen.ts';
import { storageclasses } from '../../api/storage/v1/storageclass.ts';
import type { StorageClass } from '../../api/storage/v1/types.gen.ts';
import { compareQuantities } from '../../apimachinery/quantity.ts';
import type { AdmissionPlugin, ObjectReader } from '../contracts.ts';
import { handlesKind, objectOf, oldObjectOf, refusal } from './attributes.ts';

const classOf = ({ metadata, spec }: PersistentVolumeClaim): string =>
  metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '';
const sizeOf = ({ spec }: PersistentVolumeClaim): string | number => spec.resources?.requests?.['storage'] ?? 0;

export const persistentVolumeClaimResize = (reader: ObjectReader): AdmissionPlugin => ({
  name: 'PersistentVolumeClaimResize',
  handles: handlesKind(persistentvolumeclaims, 'UPDATE'),
  async validate(attributes) {
    const claim = objectOf<PersistentVolumeClaim>(attributes);
    const old = oldObjectOf<PersistentVolumeClaim>(attributes);
    if (compareQuantities(sizeOf(claim), sizeOf(old)) <= 0) return;
    if (old.status?.phase !== 'Bound') throw refusal(attributes, 'Only bound persistent volume claims can be expanded');
    const name = classOf(claim);
    const known = name !== '' && name === classOf(old) ? await reader.get<StorageClass>(storageclasses, '', name) : undefined;
    if (!known?.allowVolumeExpansion)
      throw refusal(attributes, 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize');
  },
});
