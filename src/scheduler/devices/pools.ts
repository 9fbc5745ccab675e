/** The devices that a node can use, from the ResourceSlices that drivers publish. Pure. */
import { type NodeLike, nodeSelectorTest } from '../../api/core/v1/nodeselector.ts';
import type { NodeSelector } from '../../api/core/v1/types.gen.ts';
import type { Device, ResourceSlice } from '../../api/resource/v1/types.gen.ts';

export interface PoolDevice {
  id: string;
  driver: string;
  pool: string;
  device: Device;
  /** Where it can be used; absent for everywhere. */
  nodeSelector?: NodeSelector;
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

/** Only pools whose newest generation is complete count: else a device could be seen twice, or not at all. */
export function devicesFor(node: NodeLike, slices: readonly ResourceSlice[]): PoolDevice[] {
  const pools = Map.groupBy(slices, ({ spec }) => `${spec.driver}/${spec.pool.name}`);
  const devices: PoolDevice[] = [];
  for (const all of pools.values()) {
    const newest = Math.max(...all.map(({ spec }) => spec.pool.generation));
    const current = all.filter(({ spec }) => spec.pool.generation === newest);
    if (current.length !== current[0]!.spec.pool.resourceSliceCount) continue;
    for (const { spec } of current) {
      for (const device of spec.devices ?? []) {
        const where = placed(spec.perDeviceNodeSelection ? device : spec, node);
        // Devices that are cut from shared counters need accounting that is not done here.
        if (!where || device.consumesCounters?.length) continue;
        devices.push({ id: deviceId(spec.driver, spec.pool.name, device.name), driver: spec.driver, pool: spec.pool.name, device, ...where });
      }
    }
  }
  return devices;
}
