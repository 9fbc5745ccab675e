/** How full a node may be: the strategies by which NodeResourcesFit scores. */
import type { PluginArgs, ResourceSpec, ShapePoint } from '../config/types.ts';
import { maxNodeScore, type SchedulerPlugin } from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import type { PodInfo } from '../state/podinfo.ts';

const leastAllocated = (used: number, total: number): number => (used > total ? 0 : Math.floor(((total - used) * maxNodeScore) / total));
const mostAllocated = (used: number, total: number): number => Math.floor((Math.min(used, total) * maxNodeScore) / total);

/** A line through the points, level before the first and after the last. */
function brokenLine(points: readonly ShapePoint[]): (utilization: number) => number {
  // Shapes are drawn with scores up to 10.
  const shape = points.map(({ utilization = 0, score = 0 }) => ({ utilization, score: score * (maxNodeScore / 10) }));
  return (utilization) => {
    const next = shape.findIndex((point) => utilization <= point.utilization);
    if (next < 0) return shape.at(-1)?.score ?? 0;
    if (next === 0) return shape[0]!.score;
    const [from, to] = [shape[next - 1]!, shape[next]!];
    return from.score + Math.trunc(((to.score - from.score) * (utilization - from.utilization)) / (to.utilization - from.utilization));
  };
}

/** What the node has of a resource and how much of it is used with the pod there; no total: it does not count. */
export function usageOf(name: string, { requests, nonZero }: PodInfo, node: NodeInfo, padded: boolean): { used: number; before: number; total: number } {
  const { allocatable, requested, nonZeroRequested } = node;
  if (name === 'cpu') {
    const before = padded ? nonZeroRequested.milliCpu : requested.milliCpu;
    return { before, used: before + (padded ? nonZero.milliCpu : requests.milliCpu), total: allocatable.milliCpu };
  }
  if (name === 'memory') {
    const before = padded ? nonZeroRequested.memory : requested.memory;
    return { before, used: before + (padded ? nonZero.memory : requests.memory), total: allocatable.memory };
  }
  if (name === 'ephemeral-storage') {
    const before = requested.ephemeralStorage;
    return { before, used: before + requests.ephemeralStorage, total: allocatable.ephemeralStorage };
  }
  const wanted = requests.scalars.get(name) ?? 0;
  const before = requested.scalars.get(name) ?? 0;
  // Nodes are not compared by what the pod does not ask for.
  return { before, used: before + wanted, total: wanted === 0 ? 0 : (allocatable.scalars.get(name) ?? 0) };
}

function weightedMean(resources: readonly ResourceSpec[], of: (used: number, total: number) => number, counts: (score: number) => boolean) {
  return (pod: PodInfo, node: NodeInfo): { sum: number; weights: number } => {
    let sum = 0;
    let weights = 0;
    for (const { name, weight } of resources) {
      const { used, total } = usageOf(name, pod, node, true);
      if (total === 0) continue;
      const score = of(used, total);
      if (!counts(score)) continue;
      sum += score * weight;
      weights += weight;
    }
    return { sum, weights };
  };
}

/** The common case, for thousands of nodes per pod: the mean of the free shares of CPU and memory. */
const plain: SchedulerPlugin['score'] = ({ nonZero }) => ({
  score({ allocatable, nonZeroRequested }) {
    let sum = 0;
    let resources = 0;
    if (allocatable.milliCpu > 0) {
      sum += leastAllocated(nonZeroRequested.milliCpu + nonZero.milliCpu, allocatable.milliCpu);
      resources++;
    }
    if (allocatable.memory > 0) {
      sum += leastAllocated(nonZeroRequested.memory + nonZero.memory, allocatable.memory);
      resources++;
    }
    return resources === 0 ? 0 : Math.floor(sum / resources);
  },
});

const isPlain = (type: string, [cpu, memory, ...more]: readonly ResourceSpec[]): boolean =>
  type === 'LeastAllocated' && cpu?.name === 'cpu' && memory?.name === 'memory' && cpu.weight === 1 && memory.weight === 1 && more.length === 0;

export function createScoringStrategy({ type, resources, requestedToCapacityRatio }: PluginArgs['NodeResourcesFit']['scoringStrategy']) {
  if (isPlain(type, resources)) return plain;
  if (type === 'RequestedToCapacityRatio') {
    const line = brokenLine(requestedToCapacityRatio?.shape ?? []);
    const of = (used: number, total: number): number => line(used > total ? 100 : Math.floor((used * 100) / total));
    const mean = weightedMean(resources, of, (score) => score > 0);
    return (pod: PodInfo) => ({
      score(node: NodeInfo): number {
        const { sum, weights } = mean(pod, node);
        return weights === 0 ? 0 : Math.round(sum / weights);
      },
    });
  }
  const mean = weightedMean(resources, type === 'MostAllocated' ? mostAllocated : leastAllocated, () => true);
  return (pod: PodInfo) => ({
    score(node: NodeInfo): number {
      const { sum, weights } = mean(pod, node);
      return weights === 0 ? 0 : Math.floor(sum / weights);
    },
  });
}
