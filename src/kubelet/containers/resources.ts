/** CPU, memory and the rest of a pod's resources as the numbers that the kernel takes. */
import type { Container, Pod, ResourceRequirements } from '../../api/core/v1/types.gen.ts';
import { equalQuantities, milliValue, value } from '../../apimachinery/quantity.ts';
import type { LinuxContainerResources } from '../cri/types.gen.ts';

type ResourceList = Record<string, string | number>;

export const isRestartableInit = (container: Pick<Container, 'restartPolicy'>): boolean => container.restartPolicy === 'Always';
/** Init, regular and ephemeral containers, in that order. */
export const allContainers = ({ spec }: Pod): Container[] => [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
export const containerNamed = (pod: Pod, name: string): Container | undefined => allContainers(pod).find((container) => container.name === name);

export const milliCpu = (list: ResourceList | undefined): number => (list?.['cpu'] === undefined ? 0 : milliValue(list['cpu']));
export const bytesOf = (list: ResourceList | undefined, name = 'memory'): number => (list?.[name] === undefined ? 0 : value(list[name]));

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** The class that the API server recorded, or the same computed from the spec. */
export function qosClassOf(pod: Pod): QosClass {
  if (pod.status?.qosClass) return pod.status.qosClass as QosClass;
  const parts: { resources?: ResourceRequirements }[] = pod.spec.resources
    ? [{ resources: pod.spec.resources }]
    : [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const compute = ['cpu', 'memory'];
  const has = (list: ResourceList | undefined, name: string): boolean => list?.[name] !== undefined && value(list[name]) > 0;
  if (!parts.some(({ resources }) => compute.some((name) => has(resources?.requests, name) || has(resources?.limits, name)))) return 'BestEffort';
  const fixed = parts.every(({ resources }) =>
    compute.every(
      (name) =>
        has(resources?.limits, name) && (resources?.requests?.[name] === undefined || equalQuantities(resources.requests[name], resources.limits?.[name] ?? 0)),
    ),
  );
  return fixed ? 'Guaranteed' : 'Burstable';
}

/** Of the whole pod, as the scheduler counts: the larger of what runs together and each init step, sidecars included, plus overhead. */
export function podTotals(pod: Pod, which: 'requests' | 'limits', read: (list: ResourceList | undefined) => number): number {
  const of = (container: Container): number => read(container.resources?.[which]);
  let sidecars = 0;
  let peak = 0;
  for (const container of pod.spec.initContainers ?? []) {
    if (isRestartableInit(container)) sidecars += of(container);
    peak = Math.max(peak, isRestartableInit(container) ? sidecars : sidecars + of(container));
  }
  const running = pod.spec.containers.reduce((sum, container) => sum + of(container), sidecars);
  const ofPod = pod.spec.resources?.[which];
  const total = ofPod && read(ofPod) > 0 ? read(ofPod) : Math.max(running, peak);
  return total + read(pod.spec.overhead);
}

const minShares = 2;
const maxShares = 262_144;
const minQuota = 1_000;
export const cpuPeriod = 100_000;

/** Milli-CPU → cgroup v1 `cpu.shares`. */
export const sharesOf = (milli: number): number => (milli <= 0 ? minShares : Math.min(maxShares, Math.max(minShares, Math.floor((milli * 1024) / 1000))));
/** Milli-CPU → microseconds per period; 0 for no limit. */
export const quotaOf = (milli: number): number => (milli <= 0 ? 0 : Math.max(minQuota, Math.floor((milli * cpuPeriod) / 1000)));
/** cgroup v1 shares → cgroup v2 weight. */
export const weightOf = (shares: number): number => (shares >= maxShares ? 10_000 : 1 + Math.floor(((shares - 2) * 9999) / 262_142));

const nodeCriticalPriority = 2_000_001_000;

/** How likely the kernel kills this container first when the node runs out of memory. Source of the rule: KEP for QoS, `pkg/kubelet/qos`. */
export function oomScoreAdjust(pod: Pod, container: Container, memoryCapacity: number): number {
  if ((pod.spec.priority ?? 0) >= nodeCriticalPriority) return -997;
  const qos = qosClassOf(pod);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const request = bytesOf(container.resources?.requests);
  let score = 1000 - Math.floor((1000 * request) / Math.max(1, memoryCapacity));
  if ((pod.spec.initContainers ?? []).some((init) => init.name === container.name && isRestartableInit(init))) {
    const smallest = Math.min(...pod.spec.containers.map((main) => bytesOf(main.resources?.requests)));
    score = Math.min(score, 1000 - Math.floor((1000 * smallest) / Math.max(1, memoryCapacity)));
  }
  return Math.max(3, score) === 1000 ? 999 : Math.max(3, score);
}

const pageSizes: Record<string, string> = { Ki: 'KB', Mi: 'MB', Gi: 'GB' };

/** What the container's own cgroup gets. `memoryCapacity` is the node's, in bytes. */
export function linuxResources(pod: Pod, container: Container, memoryCapacity: number, hugePageSizes: readonly string[]): LinuxContainerResources {
  const { requests, limits } = container.resources ?? {};
  const podLimits = pod.spec.resources?.limits;
  const request = requests?.['cpu'] === undefined && limits?.['cpu'] !== undefined ? milliCpu(limits) : milliCpu(requests);
  const cpuLimit = limits?.['cpu'] === undefined ? milliCpu(podLimits) : milliCpu(limits);
  const memory = limits?.['memory'] === undefined ? bytesOf(podLimits) : bytesOf(limits);
  return {
    cpuShares: sharesOf(request),
    cpuPeriod,
    ...(quotaOf(cpuLimit) ? { cpuQuota: quotaOf(cpuLimit) } : {}),
    ...(memory ? { memoryLimitInBytes: memory } : {}),
    oomScoreAdj: oomScoreAdjust(pod, container, memoryCapacity),
    hugepageLimits: hugePageSizes.map((size) => {
      const [, number = '', unit = ''] = /^(\d+)(\w+)$/.exec(size) ?? [];
      return { pageSize: `${number}${pageSizes[unit] ?? unit}`, limit: bytesOf(limits, `hugepages-${size}`) };
    }),
  };
}
