/** The statuses of a pod's containers, from what the runtime tells and what was reported before. */
import type { Container, ContainerStateTerminated, ContainerStatus, Pod, ResourceRequirements } from '../../api/core/v1/types.gen.ts';
import { timeOf } from '../../apimachinery/meta.ts';
import { isRestartableInit } from '../containers/resources.ts';
import { shouldStart } from '../podworker/restart.ts';
import { findContainer, type RuntimeContainer, type RuntimePod } from '../runtime/model.ts';

export interface StartFailure {
  reason: string;
  message: string;
}

export interface ContainerStatusInput {
  pod: Pod;
  runtime: RuntimePod;
  /** `containerd`: the scheme of container IDs. */
  runtimeName: string;
  /** Why the last attempt to start that container failed. */
  failure(container: string): StartFailure | undefined;
  recursiveReadOnly: boolean;
  /** All containers have been removed, to be started over. */
  restartingAll?: boolean;
  /** What a container's cgroup was last given. */
  actuated?(containerId: string): ResourceRequirements | undefined;
}

type Kind = 'init' | 'regular' | 'ephemeral';

const lost: ContainerStateTerminated = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was deleted.  The container used to be Running',
} as ContainerStateTerminated;

const byName = (a: ContainerStatus, b: ContainerStatus): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

export function containerStatuses(
  input: ContainerStatusInput,
  kind: Kind,
  containers: readonly Container[],
  previous: readonly ContainerStatus[],
): ContainerStatus[] {
  const { pod, runtime } = input;
  const waitingReason = pod.spec.initContainers?.length ? 'PodInitializing' : 'ContainerCreating';
  const statuses = containers.map((container) => {
    const old = previous.find(({ name }) => name === container.name);
    const [current, before] = runtime.containers.filter(({ name }) => name === container.name);
    const status = current ? fromRuntime(input, container, current, before, old) : withoutRuntime(input, container, old, waitingReason);
    return startState(input, kind, container, current, status);
  });
  return kind === 'init' ? statuses : statuses.sort(byName);
}

function volumeMounts(container: Container, recursiveReadOnly: boolean): Pick<ContainerStatus, 'volumeMounts'> {
  if (!container.volumeMounts?.length) return {};
  return {
    volumeMounts: container.volumeMounts.map(({ name, mountPath, readOnly, recursiveReadOnly: wanted }) => ({
      name,
      mountPath,
      ...(readOnly ? { readOnly, recursiveReadOnly: wanted === 'Enabled' || (wanted === 'IfPossible' && recursiveReadOnly) ? 'Enabled' : 'Disabled' } : {}),
    })),
  };
}

const startsOver = { reason: 'RestartingAllContainers', message: 'The container is removed because RestartAllContainers in place' };

const startedOver = (old: ContainerStatus): ContainerStatus => ({
  ...old,
  ready: false,
  started: false,
  restartCount: old.restartCount + 1,
  state: { waiting: startsOver },
  lastState: { terminated: { ...startsOver, exitCode: 137 } as ContainerStateTerminated },
});

/** The runtime knows no such container: it was not created yet, or it was removed behind our back. */
function withoutRuntime(
  { pod, recursiveReadOnly, restartingAll }: ContainerStatusInput,
  container: Container,
  old: ContainerStatus | undefined,
  waitingReason: string,
): ContainerStatus {
  if (restartingAll && old && !old.state?.waiting) return startedOver(old);
  if (old?.state?.terminated) return { ...old };
  const status: ContainerStatus = {
    name: container.name,
    image: container.image ?? '',
    imageID: '',
    ready: false,
    restartCount: old?.restartCount ?? 0,
    state: { waiting: restartingAll && old?.state?.waiting ? old.state.waiting : { reason: waitingReason } },
    lastState: old?.lastState ?? {},
    ...volumeMounts(container, recursiveReadOnly),
  };
  if (old?.state?.running && !status.lastState?.terminated) {
    status.lastState = { terminated: lost };
    if (!pod.metadata.deletionTimestamp) status.restartCount++;
  }
  return status;
}

function terminated({ runtimeName }: ContainerStatusInput, container: RuntimeContainer): ContainerStateTerminated {
  const { exitCode, reason, message, startedAt, finishedAt, id } = container;
  return {
    exitCode,
    ...(reason ? { reason } : {}),
    ...(message ? { message } : {}),
    startedAt: timeOf(startedAt ?? new Date(0)),
    finishedAt: timeOf(finishedAt ?? new Date(0)),
    containerID: `${runtimeName}://${id}`,
  };
}

function fromRuntime(
  input: ContainerStatusInput,
  container: Container,
  current: RuntimeContainer,
  before: RuntimeContainer | undefined,
  old: ContainerStatus | undefined,
): ContainerStatus {
  const { requests } = container.resources ?? {};
  const user = current.status.user?.linux;
  const status: ContainerStatus = {
    name: container.name,
    image: current.image || (container.image ?? ''),
    imageID: current.imageRef,
    containerID: `${input.runtimeName}://${current.id}`,
    ready: false,
    restartCount: current.restartCount,
    state: { waiting: {} },
    lastState: before?.state === 'exited' ? { terminated: terminated(input, before) } : (old?.lastState ?? {}),
    ...(requests ? { allocatedResources: requests } : {}),
    resources: (current.state === 'running' ? input.actuated?.(current.id) : undefined) ?? container.resources ?? {},
    ...volumeMounts(container, input.recursiveReadOnly),
    ...(user
      ? {
          user: {
            linux: { uid: user.uid ?? 0, gid: user.gid ?? 0, ...(user.supplementalGroups?.length ? { supplementalGroups: user.supplementalGroups } : {}) },
          },
        }
      : {}),
    ...(container.lifecycle?.stopSignal ? { stopSignal: container.lifecycle.stopSignal } : {}),
  };
  if (current.state === 'running') status.state = { running: { startedAt: timeOf(current.startedAt ?? current.createdAt) } };
  else if (current.state === 'exited') status.state = { terminated: terminated(input, current) };
  else if (current.state === 'unknown' && old?.state?.running) {
    status.state = { terminated: { ...lost, message: 'The container could not be located when the pod was terminated' } };
    status.restartCount = old.restartCount + 1;
  }
  return status;
}

/** A container that could not be started waits, and says why. */
function startState(
  { pod, runtime, failure }: ContainerStatusInput,
  kind: Kind,
  container: Container,
  current: RuntimeContainer | undefined,
  status: ContainerStatus,
): ContainerStatus {
  if (kind === 'init' && !isRestartableInit(container)) {
    if (current?.state === 'exited' && current.exitCode === 0) return status;
    const initialized = pod.spec.containers.some(({ name }) => findContainer(runtime, name));
    if (!current && initialized && status.state?.waiting) {
      const message = 'Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally';
      return { ...status, state: { terminated: { exitCode: 0, reason: 'Completed', message } as ContainerStateTerminated } };
    }
  }
  if (kind === 'ephemeral' ? current !== undefined : !shouldStart(pod, container, runtime)) return status;
  const why = failure(container.name);
  if (!why) return status;
  return {
    ...status,
    state: { waiting: { reason: why.reason, ...(why.message ? { message: why.message } : {}) } },
    ...(status.state?.terminated ? { lastState: status.state } : {}),
  };
}
