/** `node-ipam-controller`: gives every node its part of the range of pod addresses. */
import { nodes as nodeKind } from '../../api/core/v1/node.ts';
import type { Node } from '../../api/core/v1/types.gen.ts';
import { isIPv6Cidr, splitRanges } from '../../apimachinery/ip.ts';
import { settingsOf } from '../common/settings.ts';
import { defineController } from '../controller.ts';
import { createRangePool } from './ranges.ts';

const rangesOf = ({ spec }: Node): string[] => spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : []);

export const nodeIpamController = defineController({
  name: 'node-ipam-controller',
  identity: 'node-controller',
  eventSource: 'cidrAllocator',
  // One at a time, so that none is given out twice.
  concurrency: 1,
  setup(context, enqueue) {
    const { client, informers, events } = context;
    const { clusterCidr, serviceCidr, nodeCidrMaskSize = 24, nodeCidrMaskSizeIpv6 = 64 } = settingsOf(context);
    const clusterRanges = splitRanges(clusterCidr);
    if (clusterRanges.length === 0) return { reconcile: async () => {} };
    const pools = clusterRanges.map((range) => createRangePool(range, isIPv6Cidr(range) ? nodeCidrMaskSizeIpv6 : nodeCidrMaskSize, splitRanges(serviceCidr)));
    const nodes = informers.informer(nodeKind);
    const resource = client.resource(nodeKind);
    /** Nodes (by uid) that have got their range and whose copy in the cache may not show it yet. */
    const served = new Map<string, string | undefined>();
    const occupy = (node: Node): void => {
      for (const range of rangesOf(node)) pools.some((pool) => pool.occupy(range));
    };
    nodes.addHandlers({
      added(node) {
        occupy(node);
        enqueue(node.metadata.name);
      },
      updated(node) {
        occupy(node);
        if (rangesOf(node).length === 0) enqueue(node.metadata.name);
      },
      deleted(node) {
        served.delete(node.metadata.name);
        for (const range of rangesOf(node)) for (const pool of pools) pool.release(range);
      },
    });
    return {
      async reconcile(name) {
        const node = nodes.get('', name);
        if (!node || rangesOf(node).length > 0 || node.metadata.deletionTimestamp || served.get(name) === node.metadata.uid) return;
        const taken = pools.map((pool) => pool.take());
        const giveBack = (): void => {
          for (const [i, range] of taken.entries()) if (range) pools[i]!.release(range);
        };
        if (taken.some((range) => range === undefined)) {
          giveBack();
          events.event(
            { apiVersion: 'v1', kind: 'Node', metadata: { name, uid: node.metadata.uid } },
            'Normal',
            'CIDRNotAvailable',
            `Node ${name} status is now: CIDRNotAvailable`,
          );
          throw new Error('failed to allocate cidr: CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range');
        }
        try {
          const podCIDRs = taken as string[];
          await resource.patch('', name, 'merge', { metadata: { uid: node.metadata.uid }, spec: { podCIDR: podCIDRs[0], podCIDRs } });
          served.set(name, node.metadata.uid);
        } catch (error) {
          giveBack();
          throw error;
        }
      },
    };
  },
});
