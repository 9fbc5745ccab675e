/** The declaration of Node; its rules are in `node/`. */
import type { KubeObject } from '../../../apimachinery/meta.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { nodeColumns } from './node/columns.ts';
import { validateNode, validateNodeUpdate } from './node/validation.ts';
import { nodeWarnings } from './node/warnings.ts';
import type { Node } from './types.gen.ts';

/** What a node can give to pods is what it has, unless it says otherwise; `podCIDR` is the first of `podCIDRs`. */
function setNodeDefaults({ spec, status }: Node): void {
  if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
  if (!spec) return;
  // Older clients know the first alone, so it counts where they differ.
  if (spec.podCIDR && spec.podCIDR !== spec.podCIDRs?.[0]) spec.podCIDRs = [spec.podCIDR];
  if ((spec.podCIDRs?.length ?? 0) > 0) spec.podCIDR = spec.podCIDRs![0]!;
}

/** Whoever labels a Node with it (value `true`) has it simulated. Also the key of the taint that keeps other pods away. */
export const simulatedLabel = 'knarr.dev/simulated';
export const isSimulated = ({ metadata }: KubeObject): boolean => metadata.labels?.[simulatedLabel] === 'true';

export const nodes = defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  shortNames: ['no'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.Node',
  setDefaults: setNodeDefaults,
  // A kubelet may register with its status.
  prepareForCreate(node) {
    if (node.spec) delete node.spec.configSource;
    if (node.status) delete node.status.config;
  },
  prepareForUpdate(node, old) {
    if (node.spec && !old.spec?.configSource) delete node.spec.configSource;
  },
  validate: validateNode,
  validateUpdate: (node, old) => [...validateNode(node), ...validateNodeUpdate(node, old)],
  warnings: nodeWarnings,
  columns: nodeColumns,
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec?.unschedulable ?? false) },
  subresources: {
    proxy: { type: 'custom', verbs: ['create', 'delete', 'get', 'patch', 'update'], responseKind: { group: '', version: 'v1', kind: 'NodeProxyOptions' } },
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      prepareForUpdate(node, old) {
        if (node.status && !old.status?.config) delete node.status.config;
      },
      validateUpdate: validateNodeUpdate,
    },
  },
});
