/** A pod's status as the kubelet reports it: a pure function of spec, runtime, probes and what was reported before. */
import type { Container, ContainerStatus, Pod, PodCondition, PodStatus, ResourceRequirements } from '../../api/core/v1/types.gen.ts';
import { timeOf } from '../../apimachinery/meta.ts';
import { isRestartableInit, qosClassOf } from '../containers/resources.ts';
import { sandboxChange } from '../podworker/plan.ts';
import { podIps } from '../runtime/model.ts';
import { podConditions } from './conditions.ts';
import { type ContainerStatusInput, containerStatuses, type StartFailure } from './containers.ts';
import { isTerminalPhase, podPhase } from './phase.ts';
import { grantedResources } from './resources.ts';

export interface ReadinessView {
  /** Of a container that runs. */
  started(container: Container, containerId: string): boolean;
  ready(container: Container, containerId: string): boolean;
}

export interface PodStatusInput extends Omit<ContainerStatusInput, 'failure'> {
  /** As last reported, or as the API has it. */
  previous: PodStatus;
  failure(container: string): StartFailure | undefined;
  readiness: ReadinessView;
  /** Everything has been stopped for good. */
  terminal: boolean;
  /** The kubelet itself ends the pod. */
  evicted?: { reason: string; message: string };
  /** What the pod's own cgroup was last given, where the pod as a whole asks for something. */
  actuatedPod?: ResourceRequirements | undefined;
  /** Conditions that only come and go. */
  passing?: readonly PodCondition[];
  hostIps: readonly string[];
  now: Date;
}

const idOf = (status: ContainerStatus): string => status.containerID?.split('://')[1] ?? '';

function applyReadiness(containers: readonly Container[], statuses: ContainerStatus[], view: ReadinessView, init: boolean): void {
  for (const status of statuses) {
    const container = containers.find(({ name }) => name === status.name);
    if (!container) continue;
    if (init && !isRestartableInit(container)) {
      status.started = false;
      status.ready = status.state?.terminated?.exitCode === 0;
      if (status.state?.running) status.started = true;
      continue;
    }
    const running = status.state?.running !== undefined;
    status.started = running && view.started(container, idOf(status));
    status.ready = status.started && view.ready(container, idOf(status));
  }
}

/** Addresses in the order of the node's preference: one of its first family, then one of the other. */
export function sortedPodIps(ips: readonly string[], hostIps: readonly string[]): string[] {
  const six = (ip: string): boolean => ip.includes(':');
  const firstSix = six(hostIps[0] ?? '');
  return [ips.find((ip) => six(ip) === firstSix), ips.find((ip) => six(ip) !== firstSix)].filter((ip) => ip !== undefined);
}

export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, runtime, previous, hostIps, evicted } = input;
  const now = timeOf(input.now);
  const inits = pod.spec.initContainers ?? [];
  const ephemeral = pod.spec.ephemeralContainers ?? [];
  const regularStatuses = containerStatuses(input, 'regular', pod.spec.containers, previous.containerStatuses ?? []);
  const initStatuses = containerStatuses(input, 'init', inits, previous.initContainerStatuses ?? []);
  const ephemeralStatuses = containerStatuses(input, 'ephemeral', ephemeral, previous.ephemeralContainerStatuses ?? []);
  applyReadiness(pod.spec.containers, regularStatuses, input.readiness, false);
  applyReadiness(inits, initStatuses, input.readiness, true);

  const statuses = [...initStatuses, ...regularStatuses];
  const sandboxId = runtime.sandboxes[0]?.id;
  const initialized = runtime.containers.some(
    ({ name, sandboxId: of, state }) => of === sandboxId && state !== 'created' && pod.spec.containers.some((container) => container.name === name),
  );
  let phase: string = podPhase(pod, statuses, input.terminal, initialized);
  for (const earlier of [previous.phase, pod.status?.phase]) if (!isTerminalPhase(phase) && isTerminalPhase(earlier)) phase = earlier ?? phase;
  let reason = phase === previous.phase ? (previous.reason ?? pod.status?.reason) : undefined;
  let message = phase === previous.phase ? (previous.message ?? pod.status?.message) : undefined;
  if (evicted) {
    phase = 'Failed';
    ({ reason, message } = evicted);
  }
  if (isTerminalPhase(pod.status?.phase)) phase = pod.status?.phase ?? phase;

  const known = runtime.sandboxes.some(({ ready }) => ready) ? [] : (previous.podIPs ?? []).map(({ ip }) => ip);
  const found = sortedPodIps(podIps(runtime), hostIps);
  const ips = pod.spec.hostNetwork ? sortedPodIps(hostIps, hostIps) : found.length ? found : known;
  const generation = pod.metadata.generation;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    conditions: [
      ...podConditions({ pod, statuses, phase, sandboxReady: !sandboxChange(pod, runtime).changed, previous: previous.conditions ?? [], now }),
      ...(input.passing ?? []),
    ],
    ...(reason ? { reason } : {}),
    ...(message ? { message } : {}),
    ...(hostIps[0] ? { hostIP: hostIps[0], hostIPs: sortedPodIps(hostIps, hostIps).map((ip) => ({ ip })) } : {}),
    ...(ips[0] ? { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } : {}),
    startTime: previous.startTime ?? pod.status?.startTime ?? now,
    ...(initStatuses.length ? { initContainerStatuses: initStatuses } : {}),
    containerStatuses: regularStatuses,
    ...(ephemeralStatuses.length ? { ephemeralContainerStatuses: ephemeralStatuses } : {}),
    ...grantedResources(pod, input.actuatedPod),
    qosClass: qosClassOf(pod),
  };
}

/** What cannot be found any more when a pod has ended counts as failed; and no pod ends in a phase that is not final. */
export function finalStatus(pod: Pod, status: PodStatus): PodStatus {
  const gone = { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message: 'The container could not be located when the pod was terminated' } };
  const ended = (one: ContainerStatus): ContainerStatus =>
    one.state?.terminated ? one : ({ ...one, state: gone, ready: false, started: false } as ContainerStatus);
  const inits = status.initContainerStatuses ?? [];
  const everStarted = (one: ContainerStatus): boolean => one.state?.waiting === undefined || one.lastState?.terminated !== undefined;
  const initialized = !pod.spec.initContainers?.length || (status.containerStatuses ?? []).some(everStarted) || inits.at(-1)?.state?.terminated?.exitCode === 0;
  const lastInit = inits.findLastIndex(everStarted);
  return {
    ...status,
    phase: isTerminalPhase(status.phase) ? status.phase : 'Failed',
    ...(status.containerStatuses ? { containerStatuses: initialized ? status.containerStatuses.map(ended) : status.containerStatuses } : {}),
    ...(inits.length ? { initContainerStatuses: inits.map((one, index) => (index <= lastInit ? ended(one) : one)) } : {}),
  };
}

/** Of a pod that the node does not take. */
export function rejectedStatus(pod: Pod, { reason, message }: { reason: string; message: string }, now: Date): PodStatus {
  const { generation } = pod.metadata;
  return {
    ...pod.status,
    phase: 'Failed',
    reason,
    message: `Pod was rejected: ${message}`,
    qosClass: qosClassOf(pod),
    startTime: timeOf(now),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
}
