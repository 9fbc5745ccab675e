/** The status of the node, as things stand. */
import type { ContainerImage, NodeCondition, NodeStatus } from '../../api/core/v1/types.gen.ts';
import type { KubeletContext } from '../context.ts';
import type { Image } from '../cri/types.gen.ts';
import type { PressureType } from '../eviction/thresholds.ts';
import { nodeInfo } from './info.ts';

/** Upstream's limit, which keeps node objects small. */
const maxNamesPerImage = 5;

export interface NodeFacts {
  /** Why the node is not ready; empty when it is. */
  problems: string[];
  pressure: ReadonlySet<PressureType>;
  images: Image[];
  volumesInUse: string[];
  /** Port of the kubelet's server. */
  port: number;
}

/** At most `most`, the largest ones; -1 for all. */
export function nodeImages(images: readonly Image[], most: number): ContainerImage[] {
  return [...images]
    .sort((a, b) => (b.size ?? 0) - (a.size ?? 0))
    .slice(0, most < 0 ? undefined : most)
    .map(({ repoDigests = [], repoTags = [], size = 0 }) => ({ names: [...repoDigests, ...repoTags].slice(0, maxNamesPerImage), sizeBytes: size }));
}

/** Names by which the API server and the scheduler know what this kubelet can do. Source of the rule: KEP-5328. */
const declaredFeatures = [
  'ExtendWebSocketsToKubelet',
  'InPlacePodLevelResourcesVerticalScaling',
  'InPlacePodVerticalScalingInitContainers',
  'RestartAllContainersOnContainerExits',
];

type Verdict = Pick<NodeCondition, 'type' | 'status' | 'reason' | 'message'>;

function verdicts({ problems, pressure }: NodeFacts): Verdict[] {
  const condition = (type: string, bad: boolean, badReason: string, badMessage: string, reason: string, message: string): Verdict => ({
    type,
    status: bad ? 'True' : 'False',
    reason: bad ? badReason : reason,
    message: bad ? badMessage : message,
  });
  return [
    condition(
      'MemoryPressure',
      pressure.has('MemoryPressure'),
      'KubeletHasInsufficientMemory',
      'kubelet has insufficient memory available',
      'KubeletHasSufficientMemory',
      'kubelet has sufficient memory available',
    ),
    condition(
      'DiskPressure',
      pressure.has('DiskPressure'),
      'KubeletHasDiskPressure',
      'kubelet has disk pressure',
      'KubeletHasNoDiskPressure',
      'kubelet has no disk pressure',
    ),
    condition(
      'PIDPressure',
      pressure.has('PIDPressure'),
      'KubeletHasInsufficientPID',
      'kubelet has insufficient PID available',
      'KubeletHasSufficientPID',
      'kubelet has sufficient PID available',
    ),
    problems.length
      ? { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]` }
      : { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
  ];
}

/** Conditions of others stay as they are. `now` is an API time. */
export function nodeConditions(facts: NodeFacts, previous: readonly NodeCondition[], now: string): NodeCondition[] {
  const own = verdicts(facts).map((verdict): NodeCondition => {
    const old = previous.find(({ type }) => type === verdict.type);
    return { ...verdict, lastHeartbeatTime: now, lastTransitionTime: old?.status === verdict.status ? (old.lastTransitionTime ?? now) : now };
  });
  return [...previous.filter(({ type }) => !own.some((condition) => condition.type === type)), ...own];
}

export function nodeStatus(context: KubeletContext, facts: NodeFacts, previous: NodeStatus, now: string): NodeStatus {
  const { options, config, resources, runtime, allocations } = context;
  const devices = allocations.devices.capacity();
  const gone = Object.fromEntries(devices.gone.map((name) => [name, '0']));
  const extended = (list: Record<string, string | number> | undefined): Record<string, string | number> =>
    Object.fromEntries(Object.entries(list ?? {}).filter(([name]) => name.includes('/') && !name.includes('kubernetes.io/')));
  return {
    capacity: { ...extended(previous.capacity), ...devices.capacity, ...gone, ...resources.capacity() },
    allocatable: { ...extended(previous.capacity), ...extended(previous.allocatable), ...devices.allocatable, ...gone, ...resources.allocatable() },
    conditions: nodeConditions(facts, previous.conditions ?? [], now),
    addresses: [...options.nodeIps.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: options.hostname ?? options.nodeName }],
    daemonEndpoints: { kubeletEndpoint: { Port: facts.port } },
    nodeInfo: nodeInfo(context),
    images: nodeImages(facts.images, config.nodeStatusMaxImages),
    runtimeHandlers: runtime.handlers.map(({ name, recursiveReadOnlyMounts, userNamespaces }) => ({
      ...(name ? { name } : { name: '' }),
      features: { recursiveReadOnlyMounts, userNamespaces },
    })),
    declaredFeatures: [...declaredFeatures],
    features: { supplementalGroupsPolicy: runtime.supplementalGroupsPolicy },
    ...(previous.volumesAttached ? { volumesAttached: previous.volumesAttached } : {}),
    ...(facts.volumesInUse.length || previous.volumesInUse ? { volumesInUse: facts.volumesInUse } : {}),
  };
}

/** Whether a report is worth sending before its time: anything but heartbeats has changed. */
export function worthReporting(before: NodeStatus, after: NodeStatus): boolean {
  const bare = (status: NodeStatus): string =>
    JSON.stringify({ ...status, conditions: (status.conditions ?? []).map(({ lastHeartbeatTime: _, ...rest }) => rest) });
  return bare(before) !== bare(after);
}
