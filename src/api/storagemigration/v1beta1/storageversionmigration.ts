import { allVerbs, defineKind } from '../../kind.ts';
import type { StorageVersionMigration } from './types.gen.ts';

export const storageversionmigrations = defineKind<StorageVersionMigration>({
  group: 'storagemigration.k8s.io',
  version: 'v1beta1',
  kind: 'StorageVersionMigration',
  plural: 'storageversionmigrations',
  singular: 'storageversionmigration',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.storagemigration.v1beta1.StorageVersionMigration',
  allowUnconditionalUpdate: false,
  offByDefault: true,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
