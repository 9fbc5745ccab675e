/** NodeUnschedulable: `kubectl cordon` keeps new pods away, unless they tolerate it. */
import { isTolerated } from '../../api/core/v1/taints.ts';
import { type FilterPlugin, unresolvable } from '../framework/plugin.ts';

const name = 'NodeUnschedulable';
const rejection = unresolvable(name, 'node(s) were unschedulable');
const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: FilterPlugin = {
  name,
  prepare(pod, snapshot) {
    if (!snapshot.anyCordoned || isTolerated(taint, pod.pod.spec.tolerations)) return undefined;
    return { filter: (node) => (node.node.spec.unschedulable ? rejection : undefined) };
  },
  wakes: [
    { on: 'node/add', helps: (_pod, event) => event.resource === 'node' && !event.object?.spec.unschedulable },
    { on: 'node/unschedulable', helps: (_pod, event) => event.resource === 'node' && !event.object?.spec.unschedulable },
    { on: 'self/tolerations' },
  ],
};
