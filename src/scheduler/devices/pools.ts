/** The devices that a node can use, from the ResourceSlices that drivers publish, pool by pool. Pure. */
import { type NodeLike, nodeSelectorTest } from '../../api/core/v1/nodeselector.ts';
import type { NodeSelector } from '../../api/core/v1/types.gen.ts';
import type { Device, ResourceSlice } from '../../api/resource/v1/types.gen.ts';
import { value } from '../../apimachinery/quantity.ts';

export interface PoolDevice {
  id: string;
  driver: string;
  pool: string;
  device: Device;
  /** Where it can be used; absent for everywhere. */
  nodeSelector?: NodeSelector;
  /** Of its pool: what devices are cut from. */
  counters: Counters;
}

/** By counter set and counter: how much is left. */
export type Counters = ReadonlyMap<string, ReadonlyMap<string, number>>;

export interface Pool {
  id: string;
  /** Being published: nothing of it is given away, and nobody knows what all of it would be. */
  incomplete: boolean;
  devices: PoolDevice[];
}

export const deviceId = (driver: string, pool: string, device: string): string => `${driver}/${pool}/${device}`;

const onNode = (nodeName: string): NodeSelector => ({
  nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] }],
});

interface Placement {
  nodeName?: string;
  allNodes?: boolean;
  nodeSelector?: NodeSelector;
}

/** Undefined when the node can't use it; else the selector of the nodes that can, if not all. */
function placed({ nodeName, allNodes, nodeSelector }: Placement, node: NodeLike): { nodeSelector?: NodeSelector } | undefined {
  if (nodeName) return nodeName === node.name ? { nodeSelector: onNode(nodeName) } : undefined;
  if (allNodes) return {};
  return nodeSelector && nodeSelectorTest(nodeSelector)(node) ? { nodeSelector } : undefined;
}

const isForNode = ({ spec }: ResourceSlice, node: NodeLike): boolean =>
  spec.perDeviceNodeSelection ? (spec.devices ?? []).some((device) => placed(device, node)) : placed(spec, node) !== undefined;

/** What is left of the counters when the devices that somebody has took their part. */
function countersOf(slices: readonly ResourceSlice[], isTaken: (id: string) => boolean): Counters {
  const counters = new Map<string, Map<string, number>>();
  for (const { spec } of slices) {
    for (const set of spec.sharedCounters ?? []) counters.set(set.name, new Map(Object.entries(set.counters).map(([name, one]) => [name, value(one.value)])));
  }
  if (counters.size === 0) return counters;
  for (const { spec } of slices) {
    for (const device of spec.devices ?? []) {
      if (!device.consumesCounters || !isTaken(deviceId(spec.driver, spec.pool.name, device.name))) continue;
      for (const { counterSet, counters: used } of device.consumesCounters) {
        const left = counters.get(counterSet);
        for (const [name, one] of Object.entries(used)) if (left?.has(name)) left.set(name, left.get(name)! - value(one.value));
      }
    }
  }
  return counters;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

interface Published {
  id: string;
  /** Slices of the newest generation, by name. */
  slices: readonly ResourceSlice[];
  /** Made when a node first asks. */
  counters?: Counters;
}

/** Pools that only one node can use, by its name; there may be one for each of thousands of nodes. */
function sortOut(slices: readonly ResourceSlice[]): { ofNode: Map<string, Published[]>; others: Published[] } {
  const ofNode = new Map<string, Published[]>();
  const others: Published[] = [];
  for (const [id, all] of Map.groupBy(slices, ({ spec }) => `${spec.driver}/${spec.pool.name}`)) {
    const newest = Math.max(...all.map(({ spec }) => spec.pool.generation));
    const current = all.filter(({ spec }) => spec.pool.generation === newest).sort((a, b) => byText(a.metadata.name, b.metadata.name));
    const nodeName = current[0]!.spec.nodeName;
    const local = nodeName !== undefined && current.every(({ spec }) => spec.nodeName === nodeName && !spec.sharedCounters?.length);
    const pool = { id, slices: current };
    if (!local) others.push(pool);
    else if (ofNode.has(nodeName)) ofNode.get(nodeName)!.push(pool);
    else ofNode.set(nodeName, [pool]);
  }
  return { ofNode, others };
}

/** Finds the pools that have something for a node, in the order of their names; those with devices to wait for come last. */
export function createPoolFinder(slices: readonly ResourceSlice[], isTaken: (id: string) => boolean): (node: NodeLike) => Pool[] {
  const { ofNode, others } = sortOut(slices);
  return (node) => {
    const pools: (Pool & { binds: boolean })[] = [];
    for (const published of [...(ofNode.get(node.name) ?? []), ...others]) {
      const { id, slices: current } = published;
      if (!current.some((slice) => (slice.spec.sharedCounters?.length ?? 0) > 0 || isForNode(slice, node))) continue;
      const incomplete = current.length !== current[0]!.spec.pool.resourceSliceCount;
      published.counters ??= countersOf(current, isTaken);
      const devices: PoolDevice[] = [];
      for (const { spec } of incomplete ? [] : current) {
        for (const device of spec.devices ?? []) {
          const where = placed(spec.perDeviceNodeSelection ? device : spec, node);
          if (!where) continue;
          const pool = spec.pool.name;
          devices.push({ id: deviceId(spec.driver, pool, device.name), driver: spec.driver, pool, device, counters: published.counters, ...where });
        }
      }
      pools.push({ id, incomplete, devices, binds: devices.some(({ device }) => device.bindingConditions?.length) });
    }
    return pools.sort((a, b) => Number(a.binds) - Number(b.binds) || byText(a.id, b.id));
  };
}
