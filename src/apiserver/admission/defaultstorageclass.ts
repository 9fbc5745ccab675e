/** A claim that asks for no storage class gets the default one. */
import { persistentvolumeclaims } from '../../api/core/v1/persistentvolumeclaim.ts';
import type { PersistentVolumeClaim } from '../../api/core/v1/types.gen.ts';
import { storageclasses } from '../../api/storage/v1/storageclass.ts';
import type { AdmissionPlugin, ObjectReader } from '../contracts.ts';
import { handlesKind, objectOf } from './attributes.ts';
import { newestDefault } from './newestdefault.ts';

const classAnnotation = 'volume.beta.kubernetes.io/storage-class';
const marks = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];

export const defaultStorageClass = (reader: ObjectReader): AdmissionPlugin => ({
  name: 'DefaultStorageClass',
  handles: handlesKind(persistentvolumeclaims, 'CREATE'),
  async admit(attributes) {
    const claim = objectOf<PersistentVolumeClaim>(attributes);
    // The empty name asks for no class at all.
    if (claim.spec.storageClassName !== undefined || claim.metadata.annotations?.[classAnnotation] !== undefined) return;
    const found = newestDefault(await reader.list(storageclasses), ...marks);
    if (found) claim.spec.storageClassName = found.metadata.name;
  },
});
