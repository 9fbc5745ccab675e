/** Which nodes a DaemonSet's pods belong on, and pods that are bound to one node each by affinity; the scheduler binds them. */
import { daemonsets } from '../../api/apps/v1/daemonset.ts';
import type { DaemonSet } from '../../api/apps/v1/types.gen.ts';
import { nodeLike, requiredNodeTest } from '../../api/core/v1/nodeselector.ts';
import { findUntoleratedTaint, schedulingEffects } from '../../api/core/v1/taints.ts';
import type { Affinity, Node, NodeSelectorRequirement, Pod, PodTemplateSpec, Toleration } from '../../api/core/v1/types.gen.ts';
import { controllerReference } from '../common/ownership.ts';
import { podFromTemplate } from '../common/podcontrol.ts';

export const hashLabel = 'controller-revision-hash';
const generationLabel = 'pod-template-generation';
const generationAnnotation = 'deprecated.daemonset.template.generation';

/** Troubles of a node that its daemons must live through. */
const tolerated: readonly (readonly [key: string, effect: string])[] = [
  ['node.kubernetes.io/not-ready', 'NoExecute'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  ['node.kubernetes.io/unschedulable', 'NoSchedule'],
];
const networkUnavailable = ['node.kubernetes.io/network-unavailable', 'NoSchedule'] as const;

function withTolerations({ spec }: PodTemplateSpec): Toleration[] {
  const added = [...tolerated, ...(spec?.hostNetwork ? [networkUnavailable] : [])].map(([key, effect]) => ({ key, operator: 'Exists', effect }));
  const same = (a: Toleration, b: Toleration): boolean => a.key === b.key && a.effect === b.effect && (a.operator ?? 'Equal') === b.operator && !a.value;
  const own = (spec?.tolerations ?? []).filter((toleration) => !added.some((one) => same(toleration, one)));
  return [...own, ...added];
}

const byName = (name: string): NodeSelectorRequirement => ({ key: 'metadata.name', operator: 'In', values: [name] });

/** The affinity with its node terms kept to one node. */
function boundTo(affinity: Affinity | undefined, name: string): Affinity {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const matchFields = [byName(name)];
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: terms && terms.length > 0 ? terms.map((term) => ({ ...term, matchFields })) : [{ matchFields }],
      },
    },
  };
}

/** The pod for one node. */
export function podForNode(set: DaemonSet, hash: string, node: string): Pod {
  const pod = podFromTemplate(set.spec.template, set, controllerReference(set, daemonsets));
  const generation = set.metadata.annotations?.[generationAnnotation];
  pod.metadata.labels = { ...pod.metadata.labels, ...(generation === undefined ? {} : { [generationLabel]: generation }), [hashLabel]: hash };
  pod.spec.tolerations = withTolerations(set.spec.template);
  pod.spec.affinity = boundTo(pod.spec.affinity, node);
  return pod;
}

/** Where a pod runs or is meant to run. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const { matchFields = [] } of terms) {
    const field = matchFields.find(({ key, operator, values }) => key === 'metadata.name' && operator === 'In' && values?.length === 1);
    if (field) return field.values![0];
  }
  return undefined;
}

export interface Placement {
  /** A pod must be started there. */
  run: boolean;
  /** One that runs there may stay. */
  keep: boolean;
}

/** Decides for every node with the template read once. */
export function createPlacement(set: DaemonSet): (node: Node) => Placement {
  const { spec } = set.spec.template;
  const pod: Pod = { metadata: { name: '' }, spec: spec! };
  const fits = requiredNodeTest(pod);
  const tolerations = withTolerations(set.spec.template);
  return (node) => {
    if (spec?.nodeName && spec.nodeName !== node.metadata.name) return { run: false, keep: false };
    if (fits && !fits(nodeLike(node))) return { run: false, keep: false };
    const taints = node.spec?.taints;
    if (!findUntoleratedTaint(taints, tolerations, schedulingEffects)) return { run: true, keep: true };
    return { run: false, keep: !findUntoleratedTaint(taints, tolerations, ['NoExecute']) };
  };
}
