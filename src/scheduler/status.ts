/** What the scheduler writes into a pod's status: the `PodScheduled` condition and the nominated node. */
import { setPodCondition } from '../api/core/v1/pod/helpers.ts';
import type { Pod, PodCondition } from '../api/core/v1/types.gen.ts';
import type { ResourceClient } from '../client/client.ts';

export interface PodStatusChange {
  condition?: PodCondition;
  /** Empty takes the nomination away; absent leaves it. */
  nominatedNodeName?: string;
}

/** Writes what differs from the pod as it is known; nothing when nothing does. */
export async function patchPodStatus(pods: ResourceClient<Pod>, pod: Pod, { condition, nominatedNodeName }: PodStatusChange, now: Date): Promise<void> {
  const status = structuredClone(pod.status ?? {});
  const patch: Record<string, unknown> = {};
  if (condition && setPodCondition(status, condition, now)) patch.conditions = status.conditions!.filter(({ type }) => type === condition.type);
  if (nominatedNodeName !== undefined && nominatedNodeName !== (pod.status?.nominatedNodeName ?? '')) patch.nominatedNodeName = nominatedNodeName || null;
  if (Object.keys(patch).length === 0) return;
  const { namespace = '', name, uid } = pod.metadata;
  await pods.patch(namespace, name, 'strategic', { metadata: { uid }, status: patch }, { subresource: 'status' });
}

/** `False` with upstream's reasons: `Unschedulable`, or `SchedulerError` when the attempt itself failed. */
export const notScheduled = (pod: Pod, reason: 'Unschedulable' | 'SchedulerError', message: string): PodCondition => ({
  type: 'PodScheduled',
  status: 'False',
  reason,
  message,
  ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
});
