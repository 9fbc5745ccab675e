/** What of CPUs and memory the node keeps for itself, as the static policies want to know it. */
import { canonicalQuantity, milliValue, value } from '../../apimachinery/quantity.ts';
import type { KubeletConfiguration } from '../config/configuration.ts';
import { thresholdsOf } from '../eviction/thresholds.ts';
import { parseCpuSet } from './cpuset.ts';
import type { NumaNode } from './machine.ts';
import type { Amounts } from './memory.ts';

type Reservations = Pick<KubeletConfiguration, 'systemReserved' | 'kubeReserved' | 'reservedSystemCPUs'>;

/** Of all reservations together; CPUs that are reserved by number count instead of amounts. */
export function reservedMilliCpu({ systemReserved, kubeReserved, reservedSystemCPUs }: Reservations): number {
  const named = parseCpuSet(reservedSystemCPUs).size;
  if (named) return named * 1000;
  return [systemReserved['cpu'], kubeReserved['cpu']].reduce((sum, amount) => sum + (amount === undefined ? 0 : milliValue(amount)), 0);
}

const shown = (bytes: number): string => canonicalQuantity(bytes % 1024 === 0 ? `${bytes / 1024}Ki` : String(bytes));

/** By NUMA node. Throws when that is not exactly what is kept free otherwise, or of nodes that there are not. */
export function reservedMemoryOf(config: KubeletConfiguration, nodes: readonly NumaNode[], totalMemory: number): Map<number, Amounts> {
  const byNode = new Map<number, Record<string, number>>(nodes.map(({ id }) => [id, {}]));
  const total = new Map<string, number>();
  const add = (map: Map<string, number>, name: string, amount: number): void => void map.set(name, (map.get(name) ?? 0) + amount);
  for (const { numaNode, limits } of config.reservedMemory) {
    const amounts = byNode.get(numaNode);
    if (!amounts) throw new Error(`the reserved memory configuration references a NUMA node ${numaNode} that does not exist on this machine`);
    for (const [name, amount] of Object.entries(limits)) {
      amounts[name] = value(amount);
      add(total, name, value(amount));
    }
  }
  const kept = new Map<string, number>();
  for (const reserved of [config.systemReserved, config.kubeReserved])
    for (const [name, amount] of Object.entries(reserved)) if (name === 'memory' || name.startsWith('hugepages-')) add(kept, name, value(amount));
  const limit = thresholdsOf(config).find(({ signal, grace }) => signal === 'memory.available' && grace === undefined)?.limit;
  if (limit) add(kept, 'memory', 'share' in limit ? Math.floor(totalMemory * limit.share) : limit.amount);
  for (const name of new Set([...total.keys(), ...kept.keys()])) {
    const [given = 0, needed = 0] = [total.get(name), kept.get(name)];
    if (given !== needed)
      throw new Error(
        `the total amount "${shown(given)}" of type "${name}" is not equal to the value "${shown(needed)}" determined by Node Allocatable feature`,
      );
  }
  return byNode;
}
