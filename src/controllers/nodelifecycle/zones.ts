/** How fast nodes may be emptied: when many fail at once, it is rather the network than the nodes. */
import type { Node } from '../../api/core/v1/types.gen.ts';
import { readyOf } from './health.ts';

/** Nodes per second, as upstream's `--node-eviction-rate` and its secondary. */
const rate = 0.1;
const secondaryRate = 0.01;
const largeZone = 50;
const unhealthyShare = 0.55;
const excluded = 'node.kubernetes.io/exclude-disruption';

export interface Zones {
  set(node: Node): void;
  remove(name: string): void;
  /** No node is well: then nobody is driven from anywhere. */
  readonly allDisrupted: boolean;
  /** Milliseconds until a node of that zone may be tainted; 0 takes the turn, infinity means not now. */
  turn(node: Node, now: number): number;
}

/** As upstream writes it. */
export const zoneOf = ({ metadata: { labels = {} } }: Node): string =>
  `${labels['topology.kubernetes.io/region'] ?? ''}:\0:${labels['topology.kubernetes.io/zone'] ?? ''}`;

export function createZones(): Zones {
  const nodes = new Map<string, { zone: string; well: boolean }>();
  const sizes = new Map<string, { total: number; unwell: number }>();
  const next = new Map<string, number>();

  function count({ zone, well }: { zone: string; well: boolean }, change: 1 | -1): void {
    const size = sizes.get(zone) ?? { total: 0, unwell: 0 };
    size.total += change;
    if (!well) size.unwell += change;
    if (size.total === 0) sizes.delete(zone);
    else sizes.set(zone, size);
  }

  function remove(name: string): void {
    const known = nodes.get(name);
    if (!known) return;
    nodes.delete(name);
    count(known, -1);
  }

  function rateOf(zone: string): number {
    const { total, unwell } = sizes.get(zone) ?? { total: 0, unwell: 0 };
    if (unwell <= 2 || unwell / total < unhealthyShare || unwell === total) return rate;
    return total > largeZone ? secondaryRate : 0;
  }

  return {
    set(node) {
      remove(node.metadata.name);
      if (node.metadata.labels?.[excluded] !== undefined) return;
      const entry = { zone: zoneOf(node), well: readyOf(node)?.status === 'True' };
      nodes.set(node.metadata.name, entry);
      count(entry, 1);
    },
    remove,
    get allDisrupted() {
      return sizes.size > 0 && [...sizes.values()].every(({ total, unwell }) => total === unwell);
    },
    turn(node, now) {
      const zone = zoneOf(node);
      const perSecond = rateOf(zone);
      if (perSecond === 0) return Number.POSITIVE_INFINITY;
      const at = next.get(zone) ?? 0;
      if (at > now) return at - now;
      next.set(zone, now + 1000 / perSecond);
      return 0;
    },
  };
}
