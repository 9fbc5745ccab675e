/** A pod that is bound to a node gets that node's zone and region as labels. */
import { nodes } from '../../api/core/v1/node.ts';
import { pods } from '../../api/core/v1/pod.ts';
import type { Binding, Node, Pod } from '../../api/core/v1/types.gen.ts';
import type { AdmissionPlugin, ObjectReader } from '../contracts.ts';
import { isAbout, objectOf } from './attributes.ts';

const copied = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

export function podTopologyLabels(reader: ObjectReader): AdmissionPlugin {
  async function labelsOf(nodeName: string): Promise<Record<string, string>> {
    const labels = (await reader.get<Node>(nodes, '', nodeName))?.metadata.labels ?? {};
    return Object.fromEntries(copied.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]])));
  }

  return {
    name: 'PodTopologyLabels',
    handles: (attributes) => attributes.operation === 'CREATE' && (isAbout(attributes, pods) || isAbout(attributes, pods, 'binding')),
    async admit(attributes) {
      const object = objectOf<Pod | Binding>(attributes);
      const nodeName = 'target' in object ? (object.target.kind === 'Node' ? (object.target.name ?? '') : '') : ((object as Pod).spec.nodeName ?? '');
      if (nodeName === '') return;
      const labels = await labelsOf(nodeName);
      if (Object.keys(labels).length > 0) object.metadata.labels = { ...object.metadata.labels, ...labels };
    },
  };
}
