/** InterPodAffinity, as a filter: required affinity and anti-affinity of the pod, and anti-affinity of the pods that are there. */
import type { Labels } from '../../apimachinery/selectors.ts';
import { type FilterPlugin, type NodeCheck, type Snapshot, unresolvable, unschedulable } from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import { PodCounts } from '../state/podcounts.ts';
import { type AffinityTerm, type PodInfo, podInfoOf } from '../state/podinfo.ts';
import { TopologyCounts } from './topologycounts.ts';

const name = 'InterPodAffinity';
const affinityFails = unresolvable(name, "node(s) didn't match pod affinity rules");
const antiAffinityFails = unschedulable(name, "node(s) didn't match pod anti-affinity rules");
const existingFails = unschedulable(name, "node(s) didn't satisfy existing pods anti-affinity rules");
const noLabels: Labels = {};

export const namespaceLabels = ({ listers }: Snapshot, namespace: string): Labels => listers.namespaces.get('', namespace)?.metadata.labels ?? noLabels;

const matchesAll = (terms: readonly AffinityTerm[], pod: PodInfo, labels: Labels): boolean =>
  terms.length > 0 && terms.every((term) => term.matches(pod, labels));

interface Counts {
  /** Pods that are there whose anti-affinity is about this pod. */
  existing: TopologyCounts;
  /** Pods that are there that this pod wants to be near. */
  wanted: TopologyCounts;
  /** Pods that are there that this pod wants to be far from. */
  avoided: TopologyCounts;
}

function createCheck(pod: PodInfo, snapshot: Snapshot, counts: Counts): NodeCheck {
  const { requiredAffinity, requiredAntiAffinity } = pod;
  const ownLabels = namespaceLabels(snapshot, pod.namespace);

  function count(other: PodInfo, node: NodeInfo, amount: 1 | -1): void {
    for (const term of other.requiredAntiAffinity) if (term.matches(pod, ownLabels)) counts.existing.add(node, term.topologyKey, amount);
    const labels = namespaceLabels(snapshot, other.namespace);
    if (matchesAll(requiredAffinity, other, labels)) for (const term of requiredAffinity) counts.wanted.add(node, term.topologyKey, amount);
    for (const term of requiredAntiAffinity) if (term.matches(other, labels)) counts.avoided.add(node, term.topologyKey, amount);
  }

  function affinityHolds({ labels }: NodeInfo): boolean {
    let found = true;
    for (const { topologyKey } of requiredAffinity) {
      const value = labels[topologyKey];
      if (value === undefined) return false;
      if (counts.wanted.at(topologyKey, value) <= 0) found = false;
    }
    // The first of a group that wants to be together has nobody to be near.
    return found || (counts.wanted.empty && matchesAll(requiredAffinity, pod, ownLabels));
  }

  const hit = (where: TopologyCounts, { labels }: NodeInfo): boolean => {
    for (const key of where.keys()) {
      const value = labels[key];
      if (value !== undefined && where.at(key, value) > 0) return true;
    }
    return false;
  };

  return {
    filter(node) {
      if (requiredAffinity.length > 0 && !affinityHolds(node)) return affinityFails;
      if (!counts.avoided.empty && hit(counts.avoided, node)) return antiAffinityFails;
      if (!counts.existing.empty && hit(counts.existing, node)) return existingFails;
      return undefined;
    },
    addPod: (other, node) => count(other, node, 1),
    removePod: (other, node) => count(other, node, -1),
    clone: () => createCheck(pod, snapshot, { existing: counts.existing.clone(), wanted: counts.wanted.clone(), avoided: counts.avoided.clone() }),
  };
}

/** Pods that match all terms. Terms that look at labels of namespaces are counted anew, since those may change at any time. */
export function countMatching(terms: readonly AffinityTerm[], snapshot: Snapshot): PodCounts {
  const matches = (other: PodInfo): boolean => matchesAll(terms, other, namespaceLabels(snapshot, other.namespace));
  if (terms.every(({ plain }) => plain)) return snapshot.countPods(`affinity ${terms.map(({ id }) => id).join(' & ')}`, matches);
  const counts = new PodCounts();
  for (const node of snapshot.nodes) for (const other of node.pods.values()) if (matches(other)) counts.add(node, 1);
  return counts;
}

export const interPodAffinity: FilterPlugin = {
  name,
  prepare(pod, snapshot) {
    const counts: Counts = { existing: new TopologyCounts(), wanted: new TopologyCounts(), avoided: new TopologyCounts() };
    const { requiredAffinity, requiredAntiAffinity } = pod;
    const ownLabels = namespaceLabels(snapshot, pod.namespace);
    for (const { term, counts: owners } of snapshot.terms('requiredAntiAffinity')) {
      if (term.matches(pod, ownLabels)) counts.existing.include(term.topologyKey, owners.domains(term.topologyKey));
    }
    if (requiredAffinity.length > 0) {
      const wanted = countMatching(requiredAffinity, snapshot);
      for (const { topologyKey } of requiredAffinity) counts.wanted.include(topologyKey, wanted.domains(topologyKey));
    }
    for (const term of requiredAntiAffinity) counts.avoided.include(term.topologyKey, countMatching([term], snapshot).domains(term.topologyKey));
    const own = requiredAffinity.length > 0 || requiredAntiAffinity.length > 0;
    return own || !counts.existing.empty ? createCheck(pod, snapshot, counts) : undefined;
  },
  wakes: [
    { on: 'pod/add', helps: concerns },
    { on: 'pod/labels', helps: concerns },
    { on: 'pod/delete', helps: concerns },
    { on: 'node/add' },
    { on: 'node/labels' },
    { on: 'self/labels' },
  ],
};

/** Whether the other pod, as it was or is, has to do with the terms of this one, or this one with the other's. */
function concerns(waiting: Parameters<typeof podInfoOf>[0], event: Parameters<NonNullable<FilterPlugin['wakes'][number]['helps']>>[1]): boolean {
  if (event.resource !== 'pod') return true;
  const pod = podInfoOf(waiting);
  return [event.old, event.object].some((one) => {
    if (!one) return false;
    const other = podInfoOf(one);
    // Namespaces that are chosen by their labels may match: waking in vain costs less than sleeping on.
    const near = (term: AffinityTerm, target: PodInfo): boolean => term.matches(target, noLabels) || target.namespace !== pod.namespace;
    return (
      pod.requiredAffinity.some((term) => near(term, other)) ||
      pod.requiredAntiAffinity.some((term) => near(term, other)) ||
      other.requiredAntiAffinity.some((term) => near(term, pod))
    );
  });
}
