/** The status that a kubelet would write for a pod at each point of its life. */
import type { Container, ContainerState, ContainerStatus, Pod, PodCondition, PodStatus } from '../api/core/v1/types.gen.ts';
import { timeOf } from '../apimachinery/meta.ts';

export interface PodPlace {
  hostIp: string;
  podIp: string;
}

/** In what state all containers of the pod are: they start and end together. */
export type Stage =
  | { is: 'running' }
  /** Ended, and to be started again after a while. */
  | { is: 'backingOff'; exitCode: number; delayMs: number }
  /** For good. `why` names what ended it, where that was not the containers themselves. */
  | { is: 'ended'; exitCode: number; why?: { reason: string; message: string } };

const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';
/** A container's id is 64 hexadecimal digits: the pod's uid, the container's place and how often it was started make it unique. */
const containerId = (pod: Pod, place: number, restarts: number): string =>
  `simulated://${(pod.metadata.uid ?? '').replaceAll('-', '')}${place.toString(16).padStart(16, '0')}${restarts.toString(16).padStart(16, '0')}`;

/** The conditions that a kubelet owns; the others of the pod stay as they are. */
function conditionsOf(pod: Pod, stage: Stage, succeeded: boolean, now: string): PodCondition[] {
  const standing = pod.status?.conditions ?? [];
  const notReady = stage.is === 'backingOff' ? 'ContainersNotReady' : succeeded ? 'PodCompleted' : 'PodFailed';
  const names = (pod.spec.containers ?? []).map(({ name }) => name).join(' ');
  const unready = {
    status: 'False',
    reason: notReady,
    ...(stage.is === 'backingOff' ? { message: `containers with unready status: [${names}]` } : {}),
  };
  const containersReady = stage.is === 'running' ? { status: 'True' } : unready;
  const gates = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = standing.find(({ type }) => type === conditionType);
    if (!gate) return `corresponding condition of pod readiness gate "${conditionType}" does not exist.`;
    return gate.status === 'True' ? [] : `the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`;
  });
  const ready =
    containersReady.status === 'True' && gates.length > 0 ? { status: 'False', reason: 'ReadinessGatesNotReady', message: gates.join(', ') } : containersReady;
  const verdicts: [string, Partial<PodCondition>][] = [
    ['PodReadyToStartContainers', { status: stage.is === 'ended' ? 'False' : 'True' }],
    ['Initialized', { status: 'True', ...(stage.is === 'ended' && succeeded ? { reason: 'PodCompleted' } : {}) }],
    ['Ready', ready],
    ['ContainersReady', containersReady],
    ['PodScheduled', { status: 'True' }],
  ];
  const { generation: observedGeneration } = pod.metadata;
  return verdicts.map(([type, verdict]) => {
    const old = standing.find((condition) => condition.type === type);
    const lastTransitionTime = old && old.status === verdict.status && old.lastTransitionTime ? old.lastTransitionTime : now;
    return { type, ...verdict, lastTransitionTime, ...(observedGeneration === undefined ? {} : { observedGeneration }) } as PodCondition;
  });
}

function containerStatus(pod: Pod, container: Container, place: number, stage: Stage, now: string): ContainerStatus {
  const before = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].find(({ name }) => name === container.name);
  const ended = (exitCode: number): ContainerState => ({
    terminated: {
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      startedAt: before?.state?.running?.startedAt ?? now,
      finishedAt: now,
      containerID: before?.containerID ?? containerId(pod, place, before?.restartCount ?? 0),
    },
  });
  const again = stage.is === 'running' && before?.state?.running === undefined && before?.lastState?.terminated !== undefined;
  const restartCount = (before?.restartCount ?? 0) + (again ? 1 : 0);
  const last = stage.is === 'backingOff' ? ended(stage.exitCode) : (before?.lastState ?? {});
  const state: ContainerState =
    stage.is === 'running'
      ? { running: { startedAt: before?.state?.running?.startedAt ?? now } }
      : stage.is === 'ended'
        ? before?.state?.terminated
          ? before.state
          : ended(stage.exitCode)
        : {
            waiting: {
              reason: 'CrashLoopBackOff',
              message: `back-off ${stage.delayMs / 1000}s restarting failed container=${container.name} pod=${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid ?? ''})`,
            },
          };
  const running = stage.is === 'running';
  return {
    name: container.name,
    image: container.image ?? '',
    imageID: `simulated://${container.image ?? ''}`,
    containerID: running ? containerId(pod, place, restartCount) : (before?.containerID ?? containerId(pod, place, restartCount)),
    ready: running,
    started: running,
    restartCount,
    state,
    lastState: last,
  };
}

/** Init containers have run, in no time; sidecars live as long as the others. */
function initStatus(pod: Pod, container: Container, place: number, stage: Stage, now: string): ContainerStatus {
  if (isSidecar(container)) return containerStatus(pod, container, place, stage.is === 'backingOff' ? { is: 'running' } : stage, now);
  const before = pod.status?.initContainerStatuses?.find(({ name }) => name === container.name);
  if (before?.state?.terminated) return before;
  return { ...containerStatus(pod, container, place, { is: 'ended', exitCode: 0 }, now), ready: true };
}

export function podStatus(pod: Pod, { hostIp, podIp }: PodPlace, stage: Stage, at: Date): PodStatus {
  const now = timeOf(at);
  const { spec, status = {}, metadata } = pod;
  const inits = spec.initContainers ?? [];
  const succeeded = stage.is === 'ended' && stage.exitCode === 0 && !stage.why;
  const phase = stage.is === 'ended' ? (succeeded ? 'Succeeded' : 'Failed') : 'Running';
  return {
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    phase,
    startTime: status.startTime ?? now,
    hostIP: hostIp,
    hostIPs: [{ ip: hostIp }],
    podIP: podIp,
    podIPs: [{ ip: podIp }],
    conditions: conditionsOf(pod, stage, succeeded, now),
    containerStatuses: spec.containers.map((container, place) => containerStatus(pod, container, inits.length + place, stage, now)),
    ...(inits.length > 0 ? { initContainerStatuses: inits.map((container, place) => initStatus(pod, container, place, stage, now)) } : {}),
    ...(stage.is === 'ended' && stage.why ? stage.why : {}),
  };
}

/** Whether the pod is as ready as it could be, by what its readiness gates say now. */
export function readinessIsStale(pod: Pod): boolean {
  const wanted = conditionsOf(pod, { is: 'running' }, false, '').find(({ type }) => type === 'Ready');
  const standing = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  return wanted?.status !== standing?.status || (wanted?.message ?? '') !== (standing?.message ?? '');
}
