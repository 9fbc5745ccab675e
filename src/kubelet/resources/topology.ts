/**
 * Brings together from which NUMA nodes a container could have its CPUs, memory and devices. Sets of nodes are bit masks.
 * Source of the rule: KEP-693, KEP-3545.
 */
import type { NumaNode } from './machine.ts';

export interface Hint {
  /** Nodes as bits; absent when any will do. */
  nodes?: number;
  preferred: boolean;
}

/** By resource: no list for no preference, an empty one for what can't be had at all. */
export type Hints = Readonly<Record<string, readonly Hint[] | undefined>>;

export type TopologyPolicy = 'none' | 'best-effort' | 'restricted' | 'single-numa-node';

export const maskOf = (nodes: Iterable<number>): number => [...nodes].reduce((mask, node) => mask | (1 << node), 0);
export const hasNode = (mask: number, node: number): boolean => node >= 0 && (mask & (1 << node)) !== 0;
export const bitsOf = (mask: number): number[] => Array.from({ length: 31 }, (_, node) => node).filter((node) => hasNode(mask, node));
export const countOf = (mask: number): number => bitsOf(mask).length;
/** Fewer nodes, or as many with lower numbers. */
export const isNarrower = (a: number, b: number): boolean => (countOf(a) === countOf(b) ? a < b : countOf(a) < countOf(b));

/** Every set of at least one of the nodes, smaller ones first. */
export function masksOf(nodes: readonly number[]): number[] {
  const all = Array.from({ length: 2 ** nodes.length - 1 }, (_, index) => maskOf(nodes.filter((_, bit) => hasNode(index + 1, bit))));
  return all.sort((a, b) => countOf(a) - countOf(b) || a - b);
}

/** One choice from each list. */
function* permutations(lists: readonly (readonly Hint[])[], chosen: Hint[] = []): Generator<Hint[]> {
  const [first, ...rest] = lists;
  if (!first) yield chosen;
  else for (const hint of first) yield* permutations(rest, [...chosen, hint]);
}

type Merged = Required<Hint>;

function mergeOne(all: number, permutation: readonly Hint[]): Merged {
  const masks = permutation.flatMap(({ nodes }) => nodes ?? []);
  return {
    nodes: masks.reduce((merged, mask) => merged & mask, all),
    preferred: permutation.every(({ preferred }) => preferred) && masks.every((mask) => mask === masks[0]),
  };
}

const listsOf = (providers: readonly Hints[]): (readonly Hint[])[] =>
  providers.flatMap((hints) => {
    const lists = Object.values(hints);
    if (lists.length === 0) return [[{ preferred: true }]];
    return lists.map((list) => (list === undefined ? [{ preferred: true }] : list.length ? list : [{ preferred: false }]));
  });

function averageDistance(mask: number, nodes: readonly NumaNode[]): number {
  const bits = bitsOf(mask);
  const order = nodes.map(({ id }) => id);
  const all = bits.flatMap((from) => bits.map((to) => nodes.find(({ id }) => id === from)?.distances[order.indexOf(to)] ?? 0));
  return all.length ? all.reduce((sum, one) => sum + one, 0) / all.length : 0;
}

export interface MergeOptions {
  policy: TopologyPolicy;
  nodes: readonly NumaNode[];
  preferClosest?: boolean;
}

/** The best of all combinations, and whether the policy takes a pod with it. */
export function mergeHints(providers: readonly Hints[], { policy, nodes, preferClosest = false }: MergeOptions): { hint: Hint; admit: boolean } {
  const all = maskOf(nodes.map(({ id }) => id));
  let lists = listsOf(providers);
  const single = policy === 'single-numa-node';
  if (single) lists = lists.map((list) => list.filter(({ nodes: mask, preferred }) => preferred && (mask === undefined || countOf(mask) === 1)));
  const narrowest = lists.map((list) =>
    list.flatMap(({ nodes: mask }) => mask ?? []).reduce<number | undefined>((a, b) => (a === undefined || isNarrower(b, a) ? b : a), undefined),
  );
  const wanted = Math.max(0, ...narrowest.map((mask) => (mask === undefined ? 0 : countOf(mask))));

  const fitter = (current: Merged, candidate: Merged): Merged => {
    if (candidate.nodes === current.nodes) return current;
    if (preferClosest && !single && countOf(current.nodes) === countOf(candidate.nodes)) {
      const [here, there] = [averageDistance(current.nodes, nodes), averageDistance(candidate.nodes, nodes)];
      if (here !== there) return here < there ? current : candidate;
    }
    return isNarrower(current.nodes, candidate.nodes) ? current : candidate;
  };
  const better = (current: Merged | undefined, candidate: Merged): Merged | undefined => {
    const count = countOf(candidate.nodes);
    if (count === 0) return current;
    if (!current || (!current.preferred && candidate.preferred)) return candidate;
    if (current.preferred) return candidate.preferred ? fitter(current, candidate) : current;
    // Neither is preferred: as near as can be to what the most demanding resource needs, and no more.
    const now = countOf(current.nodes);
    if (now > wanted) return fitter(current, candidate);
    if (now === wanted) return count === wanted ? fitter(current, candidate) : current;
    if (count > wanted) return current;
    if (count === wanted || count > now) return candidate;
    return count < now ? current : fitter(current, candidate);
  };

  let best: Merged | undefined;
  for (const permutation of permutations(lists)) best = better(best, mergeOne(all, permutation));
  const hint: Hint = best ?? { nodes: all, preferred: false };
  const shown = single && hint.nodes === all ? { preferred: hint.preferred } : hint;
  return { hint: shown, admit: policy === 'none' || policy === 'best-effort' || hint.preferred };
}
