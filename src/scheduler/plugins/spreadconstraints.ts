/** Topology spread constraints of a pod, ready to count with; and those that a pod of a service or a ReplicaSet has by default. */
import { requiredNodeTest } from '../../api/core/v1/nodeselector.ts';
import { findUntoleratedTaint, schedulingEffects } from '../../api/core/v1/taints.ts';
import type { Pod, TopologySpreadConstraint } from '../../api/core/v1/types.gen.ts';
import { controllerOf } from '../../apimachinery/meta.ts';
import { everything, type LabelMatcher, type Labels, labelSelectorMatcher, labelSetMatcher } from '../../apimachinery/selectors.ts';
import type { PluginArgs } from '../config/types.ts';
import type { Snapshot } from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import type { PodInfo } from '../state/podinfo.ts';

export const hostname = 'kubernetes.io/hostname';

export interface SpreadConstraint {
  /** Stands for namespace and selector. */
  id: string;
  maxSkew: number;
  minDomains: number;
  topologyKey: string;
  selector: LabelMatcher;
  /** No policy leaves a node out. */
  everyNode: boolean;
  /** Nodes that a policy leaves out don't count. */
  includes(node: NodeInfo): boolean;
}

type Action = 'DoNotSchedule' | 'ScheduleAnyway';

/** Used where neither pod nor configuration says anything: soft, so that replicas spread a little. */
const systemDefaults: readonly TopologySpreadConstraint[] = [
  { topologyKey: hostname, whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
];

const both = (a: LabelMatcher, b: LabelMatcher): LabelMatcher => {
  if (a.matchesNothing || b.empty) return a;
  if (b.matchesNothing || a.empty) return b;
  return {
    matches: (labels) => a.matches(labels) && b.matches(labels),
    toString: () => `${a},${b}`,
    empty: false,
    matchesNothing: false,
    requirements: [...a.requirements, ...b.requirements],
  };
};

function selectorOf(constraint: TopologySpreadConstraint, podLabels: Labels): LabelMatcher {
  const selector = labelSelectorMatcher(constraint.labelSelector);
  const wanted = (constraint.matchLabelKeys ?? []).flatMap((key) => (Object.hasOwn(podLabels, key) ? [[key, podLabels[key]!] as const] : []));
  return wanted.length === 0 ? selector : both(labelSetMatcher(Object.fromEntries(wanted)), selector);
}

function compile(pod: PodInfo, constraint: TopologySpreadConstraint, selector: LabelMatcher): SpreadConstraint {
  const affinity = constraint.nodeAffinityPolicy === 'Ignore' ? undefined : requiredNodeTest(pod.pod);
  const honorTaints = constraint.nodeTaintsPolicy === 'Honor';
  return {
    id: `${pod.namespace} ${selector.matchesNothing ? '-' : selector}`,
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    topologyKey: constraint.topologyKey,
    selector,
    everyNode: !affinity && !honorTaints,
    includes: (node) =>
      (!affinity || affinity(node)) && (!honorTaints || !findUntoleratedTaint(node.node.spec.taints, pod.pod.spec.tolerations, schedulingEffects)),
  };
}

/** The pod's own constraints with that consequence. */
export function ownConstraints(pod: PodInfo, action: Action): SpreadConstraint[] {
  const constraints = pod.pod.spec.topologySpreadConstraints;
  if (!constraints?.length) return [];
  return constraints.filter((one) => one.whenUnsatisfiable === action).map((one) => compile(pod, one, selectorOf(one, pod.labels)));
}

/** What holds for pods without constraints of their own. */
export interface DefaultSpread {
  /** By the consequence of not keeping to it. */
  constraints: Readonly<Record<Action, readonly TopologySpreadConstraint[]>>;
  /** The system's own are lenient: a node without a zone still spreads over hosts. */
  lenient: boolean;
}

export function createDefaultSpread({ defaultConstraints = [], defaultingType }: PluginArgs['PodTopologySpread']): DefaultSpread {
  const all = defaultingType === 'List' ? defaultConstraints : systemDefaults;
  const of = (action: Action): TopologySpreadConstraint[] => all.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action);
  return { constraints: { DoNotSchedule: of('DoNotSchedule'), ScheduleAnyway: of('ScheduleAnyway') }, lenient: defaultingType !== 'List' };
}

/** The constraints of that consequence: the pod's own, else the defaults with the selectors of its services and its owner. */
export function constraintsOf(pod: PodInfo, action: Action, snapshot: Snapshot, { constraints }: DefaultSpread): SpreadConstraint[] {
  if (pod.pod.spec.topologySpreadConstraints?.length) return ownConstraints(pod, action);
  if (constraints[action].length === 0) return [];
  const selector = selectorOfSiblings(pod.pod, pod.namespace, pod.labels, snapshot);
  return selector.empty ? [] : constraints[action].map((one) => compile(pod, one, selector));
}

function selectorOfSiblings(pod: Pod, namespace: string, podLabels: Labels, { listers }: Snapshot): LabelMatcher {
  let wanted: Record<string, string> = {};
  for (const { spec } of listers.services.list(namespace)) {
    const entries = Object.entries(spec.selector ?? {});
    if (entries.length > 0 && entries.every(([key, value]) => podLabels[key] === value)) wanted = { ...wanted, ...spec.selector };
  }
  const owner = controllerOf(pod);
  if (owner?.apiVersion === 'v1' && owner.kind === 'ReplicationController') {
    wanted = { ...wanted, ...listers.replicationControllers.get(namespace, owner.name)?.spec.selector };
  }
  const services = labelSetMatcher(wanted);
  if (owner?.apiVersion !== 'apps/v1') return services;
  const set =
    owner.kind === 'ReplicaSet'
      ? listers.replicaSets.get(namespace, owner.name)
      : owner.kind === 'StatefulSet'
        ? listers.statefulSets.get(namespace, owner.name)
        : undefined;
  return both(services, set ? labelSelectorMatcher(set.spec.selector) : everything);
}

export const hasAllKeys = ({ labels }: NodeInfo, constraints: readonly SpreadConstraint[]): boolean =>
  constraints.every(({ topologyKey }) => labels[topologyKey] !== undefined);
