/** A pod's phase, from the statuses of its containers. Source of the rule: "Pod Lifecycle" of the documentation; sidecars KEP-753. */
import type { Container, ContainerStatus, Pod } from '../../api/core/v1/types.gen.ts';
import { isRestartableInit } from '../containers/resources.ts';
import { restartsAfter } from '../podworker/restart.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export const isTerminalPhase = (phase: string | undefined): boolean => phase === 'Succeeded' || phase === 'Failed';

/** It waits to be started over with all others: however it ended is no verdict. */
const startsOver = (status: ContainerStatus | undefined): boolean =>
  status?.lastState?.terminated?.reason === 'RestartingAllContainers' && status.state?.waiting !== undefined;

interface Count {
  running: number;
  waiting: number;
  stopped: number;
  final: number;
  succeeded: number;
  unknown: number;
}

/** The code with which it last ended, if it is not running. */
const lastExit = (status: ContainerStatus | undefined): number | undefined =>
  status?.state?.terminated?.exitCode ?? (status?.state?.waiting ? status.lastState?.terminated?.exitCode : undefined);

/** `terminal`: all has been stopped and nothing will be started again. `initialized`: some regular container has been started. */
export function podPhase(pod: Pod, statuses: readonly ContainerStatus[], terminal: boolean, initialized: boolean): PodPhase {
  const of = (container: Container): ContainerStatus | undefined => statuses.find(({ name }) => name === container.name);
  const inits = pod.spec.initContainers ?? [];
  let pendingInit = false;
  for (const container of inits.filter((init) => !isRestartableInit(init))) {
    const exit = lastExit(of(container));
    if (exit === undefined) pendingInit = true;
    else if (exit !== 0 && !startsOver(of(container)) && !restartsAfter(pod, container, exit)) return 'Failed';
  }
  const count: Count = { running: 0, waiting: 0, stopped: 0, final: 0, succeeded: 0, unknown: 0 };
  let pendingSidecar = false;
  for (const container of inits.filter(isRestartableInit)) {
    const status = of(container);
    if (status?.state?.running) {
      count.running++;
      if (!status.started) pendingSidecar = true;
    } else if (lastExit(status) === undefined) {
      pendingSidecar = true;
      if (status?.state?.waiting) count.waiting++;
      else count.unknown++;
    }
  }
  for (const container of pod.spec.containers) countRegular(pod, container, of(container), count);

  if (pendingInit || (pendingSidecar && !initialized) || count.waiting > 0) return 'Pending';
  if (count.running > 0 && count.unknown === 0) return 'Running';
  if (count.running === 0 && count.stopped > 0 && count.unknown === 0) {
    if (!terminal && count.stopped !== count.final) return 'Running';
    return count.stopped === count.succeeded ? 'Succeeded' : 'Failed';
  }
  return 'Pending';
}

function countRegular(pod: Pod, container: Container, status: ContainerStatus | undefined, count: Count): void {
  if (status?.state?.running) {
    count.running++;
    return;
  }
  const exit = lastExit(status);
  if (exit === undefined) {
    if (status?.state?.waiting) count.waiting++;
    else count.unknown++;
    return;
  }
  count.stopped++;
  if (!startsOver(status) && !restartsAfter(pod, container, exit)) count.final++;
  // One that waits to be started again has not succeeded, however it ended.
  if (status?.state?.terminated && exit === 0) count.succeeded++;
}
