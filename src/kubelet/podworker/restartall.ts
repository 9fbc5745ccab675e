/** Starts a whole pod over in its sandbox: all containers are ended and removed, and the pod begins with its first init container. */
import type { Pod, PodCondition } from '../../api/core/v1/types.gen.ts';
import type { KubeletContext } from '../context.ts';
import { isRuntimeNotFound } from '../cri/client.ts';
import { podIps, type RuntimePod, runningContainers } from '../runtime/model.ts';
import { isTerminalPhase } from '../status/phase.ts';
import { killContainer } from './kill.ts';
import { couldRestartAll } from './restart.ts';

/** Containers that take part: all but ephemeral ones. */
const taking = ({ spec }: Pod, { containers }: RuntimePod): RuntimePod['containers'] =>
  containers.filter(({ name }) => !spec.ephemeralContainers?.some((one) => one.name === name));

/** Whether nothing is left to be removed, and whether everything runs again. */
export const cleanedUp = (pod: Pod, runtime: RuntimePod): boolean => taking(pod, runtime).length === 0;
export const allBack = (pod: Pod, runtime: RuntimePod): boolean =>
  pod.spec.containers.every(({ name }) => runtime.containers.some((container) => container.name === name));

export async function removeAllContainers(context: KubeletContext, pod: Pod, runtime: RuntimePod): Promise<void> {
  const ip = podIps(runtime)[0] ?? '';
  const mine = taking(pod, runtime);
  const message = 'Pod is being restarted in place: RestartAllContainers';
  await Promise.all(runningContainers({ ...runtime, containers: mine }).map((container) => killContainer(context, pod, container, ip, { message })));
  for (const { id } of mine) {
    await context.cri.removeContainer(id).catch((error: unknown) => {
      if (!isRuntimeNotFound(error)) throw error;
    });
  }
}

/** Only pods with such a rule have it. `now` is an API time. */
export function restartCondition(pod: Pod, restarting: boolean, previous: readonly PodCondition[], phase: string | undefined, now: string): PodCondition[] {
  if (!couldRestartAll(pod)) return [];
  const status = restarting ? 'True' : 'False';
  const old = previous.find(({ type }) => type === 'AllContainersRestarting');
  const ended = isTerminalPhase(phase) ? { reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' } : {};
  return [
    {
      type: 'AllContainersRestarting',
      status,
      lastTransitionTime: old?.status === status ? (old.lastTransitionTime ?? now) : now,
      ...(restarting ? { reason: 'RestartAllContainersStarted', message: 'container exited with restart policy rule' } : ended),
    },
  ];
}
