/** NodeName: a pod that names its node goes there or nowhere. */
import { type FilterPlugin, unresolvable } from '../framework/plugin.ts';

const name = 'NodeName';
const rejection = unresolvable(name, "node(s) didn't match the requested node name");

export const nodeName: FilterPlugin = {
  name,
  prepare({ pod }) {
    if (!pod.spec.nodeName) return undefined;
    return { filter: (node) => (node.name === pod.spec.nodeName ? undefined : rejection) };
  },
  wakes: [{ on: 'node/add', helps: (pod, event) => event.resource === 'node' && event.object?.metadata.name === pod.spec.nodeName }],
};
