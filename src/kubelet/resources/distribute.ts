/** CPUs evenly from several NUMA nodes, where one does not suffice. Source of the rule: KEP-2902. */
import { Accumulator, type AssignOptions, NotEnoughCpus, takePacked } from './assign.ts';
import type { CpuSet } from './cpuset.ts';
import type { Cpu } from './machine.ts';

function* combinations(items: readonly number[], size: number, from = 0): Generator<number[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let index = from; index <= items.length - size; index++) for (const rest of combinations(items, size - 1, index + 1)) yield [items[index] ?? 0, ...rest];
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

function deviation(values: readonly number[]): number {
  const mean = rounded(values.reduce((sum, one) => sum + one, 0) / values.length);
  return rounded(Math.sqrt(values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / values.length));
}

/** What is left of each node when the remainder is dealt out in turns among `subset`. */
function dealt(left: ReadonlyMap<number, number>, subset: readonly number[], remainder: number, group: number): Map<number, number> {
  const after = new Map(left);
  while (remainder > 0) {
    const before = remainder;
    for (const node of subset) {
      const free = after.get(node) ?? 0;
      if (remainder <= 0 || free < group) continue;
      after.set(node, free - group);
      remainder -= group;
    }
    if (before === remainder) break;
  }
  return after;
}

interface Deal {
  balance: number;
  /** Nodes that give a group more. */
  extra: number[];
}

function bestDeal(free: ReadonlyMap<number, number>, combo: readonly number[], share: number, remainder: number, group: number): Deal | undefined {
  const left = new Map([...free].map(([node, count]) => [node, combo.includes(node) ? count - share : count]));
  if (remainder === 0) return { balance: deviation([...left.values()]), extra: [] };
  const able = combo.filter((node) => (left.get(node) ?? 0) >= group);
  let best: Deal | undefined;
  for (let size = able.length; size >= 1; size--)
    for (const subset of combinations(able, size)) {
      if (subset.reduce((sum, node) => sum + (left.get(node) ?? 0), 0) < remainder) continue;
      const balance = deviation([...dealt(left, subset, remainder, group).values()]);
      if (!best || balance < best.balance) best = { balance, extra: subset };
    }
  return best;
}

/** `group` CPUs are never parted: those of a core where whole cores are asked for. Throws {@link NotEnoughCpus}. */
export function takeDistributed(all: readonly Cpu[], available: CpuSet, count: number, group: number, options: AssignOptions = {}): CpuSet {
  if (count % group !== 0) return takePacked(all, available, count, options);
  if (count > available.size) throw new NotEnoughCpus(count, available.size);
  const acc = new Accumulator(all, available, count);
  if (count === 0) return acc.taken;
  const nodes = acc.nodes();
  const free = new Map(nodes.map((node) => [node, acc.freeIn('node', node).length] as const));
  const groups = Math.ceil(count / group);
  const groupsPerNode = Math.ceil(Math.ceil(all.length / group) / new Set(all.map(({ node }) => node)).size);
  for (let size = Math.ceil(groups / groupsPerNode); size <= Math.min(groups, nodes.length); size++) {
    const share = Math.floor(count / size / group) * group;
    const remainder = count - share * size;
    let best: (Deal & { combo: number[] }) | undefined;
    for (const combo of combinations(nodes, size)) {
      const whole = combo.reduce((sum, node) => sum + Math.floor((free.get(node) ?? 0) / group) * group, 0);
      if (whole < count || combo.some((node) => (free.get(node) ?? 0) < share)) continue;
      const deal = bestDeal(free, combo, share, remainder, group);
      if (deal && (!best || deal.balance < best.balance)) best = { ...deal, combo };
      if (best?.balance === 0) break;
    }
    if (!best) continue;
    const takeFrom = (node: number, many: number): void => acc.take([...takePacked(all, new Set(acc.freeIn('node', node).map(({ id }) => id)), many, options)]);
    for (const node of best.combo) takeFrom(node, share);
    while (acc.needed > 0) for (const node of best.extra) if (acc.needed > 0 && acc.freeIn('node', node).length >= group) takeFrom(node, group);
    return acc.taken;
  }
  return takePacked(all, available, count, options);
}
