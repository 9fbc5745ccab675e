/** What a worker reports of its pod, and which updates are only the echo of that. */
import type { ContainerStatus, Pod, PodCondition, PodStatus } from '../../api/core/v1/types.gen.ts';
import { semanticEqual } from '../../apimachinery/equality.ts';
import { timeOf } from '../../apimachinery/meta.ts';
import type { KubeletContext } from '../context.ts';
import type { RuntimePod } from '../runtime/model.ts';
import { podStatus } from '../status/pod.ts';
import type { PodResizer } from './resize.ts';
import { cleanedUp, restartCondition } from './restartall.ts';
import type { Postponed } from './sync.ts';
import type { WorkerParts } from './worker.ts';

/** Why a pod has to leave. */
export interface Eviction {
  reason: string;
  message: string;
  /** Seconds; what the pod says when absent. */
  grace?: number;
  /** The node puts it out for others' sake: controllers need not count it as a failure of its own. Text where that is not to be the message. */
  disruption?: boolean | string;
}

export interface WorkerFacts {
  pod: Pod;
  runtime: RuntimePod;
  /** Everything has been stopped for good. */
  terminal: boolean;
  failures: ReadonlyMap<string, Postponed>;
  resizer: PodResizer;
  startingOver: boolean;
  evicted?: Eviction;
}

function disruption(pod: Pod, evicted: Eviction | undefined, now: string): PodCondition[] {
  const known = pod.status?.conditions?.some(({ type }) => type === 'DisruptionTarget');
  if (!evicted?.disruption || known) return [];
  const { generation } = pod.metadata;
  return [
    {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'TerminationByKubelet',
      message: typeof evicted.disruption === 'string' ? evicted.disruption : evicted.message,
      lastTransitionTime: now,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    },
  ];
}

export function composeStatus(
  { context, statuses, probes }: WorkerParts,
  { pod: desired, runtime, terminal, failures, resizer, startingOver, evicted }: WorkerFacts,
): PodStatus {
  const { options, runtime: engine } = context;
  const pod = resizer.granted(desired);
  const uid = pod.metadata.uid ?? '';
  const now = context.now();
  const time = timeOf(now);
  const previous = statuses.get(uid) ?? pod.status ?? {};
  const conditions = previous.conditions ?? [];
  const status = podStatus({
    pod,
    runtime,
    runtimeName: engine.name,
    failure: (container) => failures.get(container),
    recursiveReadOnly: engine.handlers.some(({ name, recursiveReadOnlyMounts }) => name === '' && recursiveReadOnlyMounts),
    previous,
    actuated: (id) => resizer.actuated(id),
    actuatedPod: resizer.actuatedPod(),
    restartingAll: startingOver,
    passing: [
      ...disruption(desired, evicted, time),
      ...(terminal ? [] : resizer.conditions(conditions, time)),
      ...restartCondition(pod, startingOver && !terminal && !cleanedUp(pod, runtime), conditions, previous.phase, time),
    ],
    readiness: probes.view(uid),
    terminal,
    ...(evicted ? { evicted } : {}),
    hostIps: options.nodeIps,
    now,
  });
  return { ...status, containerStatuses: (status.containerStatuses ?? []).map((one) => withDevices(context, uid, one)) };
}

function withDevices({ allocations }: KubeletContext, uid: string, status: ContainerStatus): ContainerStatus {
  const allocatedResourcesStatus = allocations.devices.health(uid, status.name);
  return allocatedResourcesStatus ? { ...status, allocatedResourcesStatus } : status;
}

/** Our own reports come back as updates of the status: nothing to do then, but for readiness gates, which others set. */
export function onlyStatusDiffers(before: Pod, after: Pod): boolean {
  if (before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp || before.metadata.generation !== after.metadata.generation) return false;
  if (!semanticEqual(before.spec, after.spec)) return false;
  if (!semanticEqual(before.metadata.labels, after.metadata.labels) || !semanticEqual(before.metadata.annotations, after.metadata.annotations)) return false;
  const gates = after.spec.readinessGates ?? [];
  const gateStatus = ({ status }: Pod): unknown => gates.map(({ conditionType }) => status?.conditions?.find(({ type }) => type === conditionType)?.status);
  return semanticEqual(gateStatus(before), gateStatus(after)) && before.status?.phase === after.status?.phase;
}
