import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import type { ResourceSlice } from './types.gen.ts';
import { validateSlice, validateSliceUpdate } from './validation/slice.ts';

function setSliceDefaults({ spec }: ResourceSlice): void {
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  for (const { taints = [], nodeAllocatableResourceMappings: mappings = {} } of spec.devices ?? []) {
    for (const taint of taints) taint.timeAdded ??= now;
    for (const mapping of Object.values(mappings)) mapping.allocationMultiplier ??= '1';
  }
}

export const resourceslices = defineKind<ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  singular: 'resourceslice',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1.ResourceSlice',
  returnsDeletedObject: true,
  hasGeneration: true,
  setDefaults: setSliceDefaults,
  validate: validateSlice,
  validateUpdate: validateSliceUpdate,
  warnings: ({ spec: { driver } }) =>
    driver === driver.toLowerCase() ? [] : [`spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`],
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.driver': ({ spec }) => spec.driver ?? '',
  },
  columns: [
    nameColumn,
    textColumn('Node', ({ spec }) => spec.nodeName ?? ''),
    textColumn('Driver', ({ spec }) => spec.driver),
    textColumn('Pool', ({ spec }) => spec.pool.name),
    ageColumn,
  ],
});
