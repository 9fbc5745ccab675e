/** Pods that are on nodes, counted by what decisions ask again and again. */
import type { NodeInfo } from './nodeinfo.ts';
import { PodCounts } from './podcounts.ts';
import type { AffinityTerm, PodInfo } from './podinfo.ts';

/** The same term of any number of pods. */
export interface TermGroup {
  readonly term: AffinityTerm;
  /** How many pods have it, times its weight. */
  readonly counts: PodCounts;
}

/** Kinds of terms that pods have. */
export const termKinds = ['requiredAffinity', 'requiredAntiAffinity', 'preferredAffinity', 'preferredAntiAffinity'] as const;
export type TermKind = (typeof termKinds)[number];

interface Query {
  matches(pod: PodInfo): boolean;
  counts: PodCounts;
}

/** More different questions than that are not kept in mind. */
const mostQueries = 256;

export class PodIndex {
  readonly #groups: Record<TermKind, Map<string, TermGroup>> = {
    requiredAffinity: new Map(),
    requiredAntiAffinity: new Map(),
    preferredAffinity: new Map(),
    preferredAntiAffinity: new Map(),
  };
  readonly #queries = new Map<string, Query>();

  add(pod: PodInfo, node: NodeInfo, sign: 1 | -1): void {
    for (const kind of termKinds) {
      for (const term of pod[kind]) {
        const groups = this.#groups[kind];
        let group = groups.get(term.id);
        if (!group) {
          group = { term, counts: new PodCounts() };
          groups.set(term.id, group);
        }
        group.counts.add(node, sign * term.weight);
        if (group.counts.empty) groups.delete(term.id);
      }
    }
    for (const { matches, counts } of this.#queries.values()) if (matches(pod)) counts.add(node, sign);
  }

  groups(kind: TermKind): Iterable<TermGroup> {
    return this.#groups[kind].values();
  }

  /** The pods that match; `id` stands for the question. The answer must depend on nothing but the pod. */
  counts(id: string, matches: (pod: PodInfo) => boolean, nodes: Iterable<NodeInfo>): PodCounts {
    const known = this.#queries.get(id);
    if (known) {
      this.#queries.delete(id);
      this.#queries.set(id, known);
      return known.counts;
    }
    const counts = new PodCounts();
    for (const node of nodes) for (const pod of node.pods.values()) if (matches(pod)) counts.add(node, 1);
    // What was asked longest ago goes; if it is asked again it is counted again.
    if (this.#queries.size >= mostQueries) this.#queries.delete(this.#queries.keys().next().value!);
    this.#queries.set(id, { matches, counts });
    return counts;
  }

  forgetDomains(): void {
    for (const kind of termKinds) for (const { counts } of this.#groups[kind].values()) counts.forgetDomains();
    for (const { counts } of this.#queries.values()) counts.forgetDomains();
  }
}
