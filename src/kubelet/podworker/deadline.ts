/** `activeDeadlineSeconds`: how long a pod may be active on its node. */
import type { Pod, PodStatus } from '../../api/core/v1/types.gen.ts';

/** Epoch milliseconds at which the pod has to end. */
export function deadlineOf(pod: Pod, status: PodStatus | undefined): number | undefined {
  const seconds = pod.spec.activeDeadlineSeconds;
  const start = status?.startTime ?? pod.status?.startTime;
  return seconds === undefined || !start ? undefined : Date.parse(start) + seconds * 1000;
}

export const deadlineExceeded = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' } as const;
