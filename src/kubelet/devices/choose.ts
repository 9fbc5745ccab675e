/** Which devices a container gets: near the NUMA nodes that were chosen for it, as its plugin prefers, from what is free. */
import { common, union, without } from '../resources/cpuset.ts';
import { bitsOf, countOf, type Hint, hasNode, masksOf } from '../resources/topology.ts';
import { nodesOf } from './inventory.ts';
import type { Device } from './messages.ts';

type Ids = ReadonlySet<string>;
type Devices = ReadonlyMap<string, Device>;

export const hasTopology = (devices: Devices): boolean => [...devices.values()].some((device) => nodesOf(device).length > 0);

/** Devices on the nodes of the hint, on others, and on none. */
function byAffinity(devices: Devices, available: Ids, hint: Hint): { aligned: Set<string>; unaligned: Set<string>; anywhere: Set<string> } {
  const { nodes } = hint;
  if (nodes === undefined || !hasTopology(devices)) return { aligned: new Set(), unaligned: new Set(), anywhere: new Set(available) };
  const on = (id: string): number[] => nodesOf(devices.get(id) ?? {});
  const aligned = new Set([...available].filter((id) => on(id).some((node) => hasNode(nodes, node))));
  const anywhere = new Set([...available].filter((id) => on(id).length === 0));
  return { aligned, anywhere, unaligned: without(without(available, aligned), anywhere) };
}

export interface Choice {
  devices: Devices;
  /** Well, and nobody's. */
  available: Ids;
  /** What earlier init containers of the pod have had: taken first. */
  reusable: Ids;
  hint: Hint;
  count: number;
  preferred(available: Ids, must: Ids): Promise<Ids>;
}

/** Undefined when there are not as many. */
export async function chooseDevices({ devices, available, reusable, hint, count, preferred }: Choice): Promise<Set<string> | undefined> {
  const chosen = new Set<string>();
  const takeFrom = (ids: Iterable<string>): boolean => {
    for (const id of ids) if (chosen.size < count) chosen.add(id);
    return chosen.size === count;
  };
  if (takeFrom(reusable)) return chosen;
  const needed = count - chosen.size;
  const free = without(available, chosen);
  if (free.size < needed) return undefined;
  const { aligned, unaligned, anywhere } = byAffinity(devices, free, hint);
  if (needed < aligned.size) {
    const wish = await preferred(union(aligned, chosen), new Set(chosen));
    return takeFrom(common(wish, aligned)) || takeFrom(aligned) ? chosen : undefined;
  }
  if (takeFrom(aligned)) return chosen;
  const wish = await preferred(union(free, chosen), new Set(chosen));
  return takeFrom(common(wish, free)) || takeFrom(unaligned) || takeFrom(anywhere) ? chosen : undefined;
}

/** Sets of nodes on which as many devices could be had; those with the fewest nodes are preferred. */
export function deviceHints(devices: Devices, available: Ids, reusable: Ids, count: number, machine: readonly number[]): Hint[] {
  const bearing = [...union(...[...devices.values()].map(nodesOf))].filter((node) => machine.includes(node)).sort((a, b) => a - b);
  const nodes = bearing.length ? bearing : [...machine];
  const inMask = (mask: number, id: string): boolean => bitsOf(mask).some((node) => nodesOf(devices.get(id) ?? {}).includes(node));
  let least = nodes.length;
  const masks = masksOf(nodes).filter((mask) => {
    if ([...devices.keys()].filter((id) => inMask(mask, id)).length >= count) least = Math.min(least, countOf(mask));
    const placed = [...reusable].filter((id) => nodesOf(devices.get(id) ?? {}).length > 0);
    if (placed.some((id) => !inMask(mask, id))) return false;
    return placed.length + [...available].filter((id) => !reusable.has(id) && inMask(mask, id)).length >= count;
  });
  return masks.map((mask) => ({ nodes: mask, preferred: countOf(mask) === least }));
}
