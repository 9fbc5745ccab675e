/** NodeResourcesBalancedAllocation: prefers nodes whose shares of used CPU and memory come closer to each other by the pod. */
import { maxNodeScore, type ScorePlugin } from '../framework/plugin.ts';

/** 100 when both shares are equal, 50 when one is full and the other empty; a resource that the node lacks does not count. */
function balance(milliCpu: number, memory: number, cpuTotal: number, memoryTotal: number): number {
  if (cpuTotal === 0 || memoryTotal === 0) return maxNodeScore;
  const deviation = Math.abs(Math.min(milliCpu / cpuTotal, 1) - Math.min(memory / memoryTotal, 1)) / 2;
  return Math.trunc((1 - deviation) * maxNodeScore);
}

export const balancedAllocation: ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  prepare({ requests }) {
    // A pod that requests nothing changes no balance; scoring it would heap such pods on one node.
    if (requests.milliCpu === 0 && requests.memory === 0) return undefined;
    return {
      score({ allocatable, requested }) {
        const before = balance(requested.milliCpu, requested.memory, allocatable.milliCpu, allocatable.memory);
        const after = balance(requested.milliCpu + requests.milliCpu, requested.memory + requests.memory, allocatable.milliCpu, allocatable.memory);
        return maxNodeScore / 2 + Math.trunc((maxNodeScore / 2 + after - before) / 2);
      },
    };
  },
};
