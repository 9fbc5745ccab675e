/** The declaration of EndpointSlice; its rules are in `endpointslice/`. */

import { deepEqual, semanticEqual } from '../../../apimachinery/equality.ts';
import { subdomainName } from '../../../apimachinery/names.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { fewOf } from '../../core/v1/endpoints/columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { endpointSliceWarnings, validateEndpointSlice, validateEndpointSliceUpdate } from './endpointslice/validation.ts';
import type { EndpointSlice } from './types.gen.ts';

const hostnameLabel = 'kubernetes.io/hostname';

/** The field of v1beta1 cannot be written any more; a node's name that stood there is kept. */
function dropTopology({ endpoints }: EndpointSlice, old: EndpointSlice): void {
  if (semanticEqual(endpoints, old.endpoints)) return;
  const known = new Set((old.endpoints ?? []).map(({ deprecatedTopology }) => deprecatedTopology?.[hostnameLabel]));
  for (const endpoint of endpoints ?? []) {
    const node = endpoint.deprecatedTopology?.[hostnameLabel];
    if (node && known.has(node) && subdomainName(node, false).length === 0) endpoint.nodeName ??= node;
    delete endpoint.deprecatedTopology;
  }
}

export const endpointslices = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.discovery.v1.EndpointSlice',
  hasGeneration: true,
  allowCreateOnUpdate: true,
  setDefaults({ ports }) {
    for (const port of ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },
  prepareForCreate({ endpoints }) {
    for (const endpoint of endpoints ?? []) delete endpoint.deprecatedTopology;
  },
  prepareForUpdate(slice, old) {
    dropTopology(slice, old);
    // Labels decide which service a slice belongs to.
    if (!deepEqual(slice.metadata.labels ?? {}, old.metadata.labels ?? {})) slice.metadata.generation = (old.metadata.generation ?? 0) + 1;
  },
  validate: (slice) => validateEndpointSlice(slice),
  validateUpdate: validateEndpointSliceUpdate,
  warnings: endpointSliceWarnings,
  columns: [
    nameColumn,
    textColumn('AddressType', ({ addressType }) => addressType),
    textColumn('Ports', ({ ports = [] }) => fewOf(ports.map(({ port, name }) => (port === undefined ? (name ?? '*') : String(port)))) || '<unset>'),
    textColumn('Endpoints', ({ endpoints = [] }) => fewOf(endpoints.flatMap(({ addresses }) => addresses ?? [])) || '<unset>'),
    ageColumn,
  ],
});
