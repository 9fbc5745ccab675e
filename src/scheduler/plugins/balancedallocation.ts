/** NodeResourcesBalancedAllocation: prefers nodes whose shares of used resources come closer to each other by the pod. */
import type { PluginArgs } from '../config/types.ts';
import { maxNodeScore, type SchedulerPlugin } from '../framework/plugin.ts';
import { usageOf } from './scoringstrategies.ts';

/** 100 when all shares are equal, 50 when of two one is full and the other empty; a resource that the node lacks does not count. */
function balanceOf(shares: readonly number[]): number {
  let deviation = 0;
  if (shares.length === 2) deviation = Math.abs(shares[0]! - shares[1]!) / 2;
  else if (shares.length > 2) {
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    deviation = Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length);
  }
  return Math.trunc((1 - deviation) * maxNodeScore);
}

function balance(milliCpu: number, memory: number, cpuTotal: number, memoryTotal: number): number {
  if (cpuTotal === 0 || memoryTotal === 0) return maxNodeScore;
  const deviation = Math.abs(Math.min(milliCpu / cpuTotal, 1) - Math.min(memory / memoryTotal, 1)) / 2;
  return Math.trunc((1 - deviation) * maxNodeScore);
}

const compare = (before: number, after: number): number => maxNodeScore / 2 + Math.trunc((maxNodeScore / 2 + after - before) / 2);

/** The common case, for thousands of nodes per pod. */
const plain: SchedulerPlugin['score'] = ({ requests }) => {
  // A pod that requests nothing changes no balance; scoring it would heap such pods on one node.
  if (requests.milliCpu === 0 && requests.memory === 0) return undefined;
  return {
    score({ allocatable, requested }) {
      const before = balance(requested.milliCpu, requested.memory, allocatable.milliCpu, allocatable.memory);
      const after = balance(requested.milliCpu + requests.milliCpu, requested.memory + requests.memory, allocatable.milliCpu, allocatable.memory);
      return compare(before, after);
    },
  };
};

export function createBalancedAllocation({ resources }: PluginArgs['NodeResourcesBalancedAllocation']): SchedulerPlugin {
  const names = resources.map(({ name }) => name);
  if (names.join() === 'cpu,memory') return { score: plain };
  return {
    score(pod) {
      const { requests } = pod;
      const amounts: Record<string, number> = { cpu: requests.milliCpu, memory: requests.memory, 'ephemeral-storage': requests.ephemeralStorage };
      if (names.every((name) => (amounts[name] ?? requests.scalars.get(name) ?? 0) === 0)) return undefined;
      return {
        score(node) {
          const usages = names.map((name) => usageOf(name, pod, node, false)).filter(({ total }) => total > 0);
          return compare(
            balanceOf(usages.map(({ before, total }) => Math.min(before / total, 1))),
            balanceOf(usages.map(({ used, total }) => Math.min(used / total, 1))),
          );
        },
      };
    },
  };
}
