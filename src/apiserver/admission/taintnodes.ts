/** A new node takes no pods until it reports that it is ready: the node lifecycle controller removes the taint. */
import { nodes } from '../../api/core/v1/node.ts';
import type { Node } from '../../api/core/v1/types.gen.ts';
import type { AdmissionPlugin } from '../contracts.ts';
import { handlesKind, objectOf } from './attributes.ts';

const key = 'node.kubernetes.io/not-ready';
const effect = 'NoSchedule';

export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  handles: handlesKind(nodes, 'CREATE'),
  admit(attributes) {
    const node = objectOf<Node>(attributes);
    node.spec ??= {};
    if (node.spec.taints?.some((taint) => taint.key === key && taint.effect === effect)) return;
    node.spec.taints = [...(node.spec.taints ?? []), { key, effect }];
  },
};
