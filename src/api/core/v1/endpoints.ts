import { allVerbs, defineKind } from '../../kind.ts';
import { endpointsColumns } from './endpoints/columns.ts';
import { endpointsWarnings, validateEndpoints } from './endpoints/validation.ts';
import type { Endpoints } from './types.gen.ts';

export const endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  verbs: allVerbs,
  deprecated: 'in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  schema: 'io.k8s.api.core.v1.Endpoints',
  allowCreateOnUpdate: true,
  setDefaults({ subsets }) {
    for (const { ports } of subsets ?? []) for (const port of ports ?? []) port.protocol ||= 'TCP';
  },
  validate: (endpoints) => validateEndpoints(endpoints),
  validateUpdate: validateEndpoints,
  warnings: endpointsWarnings,
  columns: endpointsColumns,
});
