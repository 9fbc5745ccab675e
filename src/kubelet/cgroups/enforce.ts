/** Keeps all pods together within what the node has for them. Source of the rule: `enforceNodeAllocatable`, KEP for node allocatable. */
import { readFileSync } from 'node:fs';
import { milliValue, value } from '../../apimachinery/quantity.ts';
import { type KubeletContext, messageOf } from '../context.ts';
import { reservedMilliCpu } from '../resources/reserved.ts';
import { sleep } from '../runtime/pleg.ts';
import type { PodCgroups } from './pods.ts';

const retryMs = 60_000;

function processLimit(): number {
  const read = (file: string): number => Number(readFileSync(`/proc/sys/kernel/${file}`, 'utf8'));
  return Math.min(read('pid_max'), read('threads-max'));
}

/** Capacity without reservations: what is kept free for evictions is not kept from pods that need it for a moment. */
export function enforcedLimits({ config, resources }: Pick<KubeletContext, 'config' | 'resources'>): { milliCpu: number; memory: number; pids: number } {
  const milliCpu = milliValue(resources.capacity()['cpu'] ?? '0');
  const all = { milliCpu, memory: resources.memory, pids: processLimit() };
  if (!config.enforceNodeAllocatable.includes('pods')) return all;
  const kept = (name: string): number =>
    [config.systemReserved[name], config.kubeReserved[name]].reduce((sum, amount) => sum + (amount === undefined ? 0 : value(amount)), 0);
  return {
    milliCpu: Math.max(0, milliCpu - reservedMilliCpu(config)),
    memory: Math.max(0, all.memory - kept('memory')),
    pids: Math.max(0, all.pids - kept('pid')),
  };
}

/** Pods may use more than that already: tried again until they don't. */
export async function enforceAllocatable(
  context: Pick<KubeletContext, 'config' | 'resources' | 'events' | 'options' | 'signal'>,
  cgroups: PodCgroups,
): Promise<void> {
  const { events, options, signal } = context;
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: options.nodeName, uid: options.nodeName } };
  while (!signal.aborted) {
    try {
      await cgroups.limit(enforcedLimits(context));
      events.event(node, 'Normal', 'NodeAllocatableEnforced', 'Updated Node Allocatable limit across pods');
      return;
    } catch (error) {
      events.event(node, 'Warning', 'FailedNodeAllocatableEnforcement', `Failed to update Node Allocatable Limits ["kubepods"]: ${messageOf(error)}`);
      await sleep(retryMs, signal);
    }
  }
}
