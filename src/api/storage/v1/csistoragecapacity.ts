import { allVerbs, defineKind } from '../../kind.ts';
import type { CSIStorageCapacity } from './types.gen.ts';

export const csistoragecapacities = defineKind<CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  singular: 'csistoragecapacity',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.storage.v1.CSIStorageCapacity',
});
