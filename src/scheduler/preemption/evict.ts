/** Makes victims go: says why in their status, then deletes them, with the time that they ask for to end. */
import { setPodCondition } from '../../api/core/v1/pod/helpers.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import type { ResourceClient } from '../../client/client.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { PodInfo } from '../state/podinfo.ts';
import type { Victims } from './victims.ts';

export interface EvictOptions {
  pods: ResourceClient<Pod>;
  events: EventRecorder;
  now(): Date;
}

async function evictOne({ pods, events, now }: EvictOptions, victim: Pod, preemptor: PodInfo, node: string): Promise<void> {
  const { namespace = '', name, uid } = victim.metadata;
  const status = structuredClone(victim.status ?? {});
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'PreemptionByScheduler',
    message: `${preemptor.pod.spec.schedulerName ?? 'default-scheduler'}: preempting to accommodate a higher priority pod`,
    ...(victim.metadata.generation === undefined ? {} : { observedGeneration: victim.metadata.generation }),
  };
  try {
    if (setPodCondition(status, condition, now())) {
      const conditions = status.conditions!.filter(({ type }) => type === condition.type);
      await pods.patch(namespace, name, 'strategic', { metadata: { uid }, status: { conditions } }, { subresource: 'status' });
    }
    await pods.delete(namespace, name, { preconditions: uid ? { uid } : {} });
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  events.event({ ...victim, apiVersion: 'v1', kind: 'Pod' }, 'Normal', 'Preempted', `Preempted by pod ${preemptor.uid} on node ${node}`);
}

/** Rejects when one of them could not be made to go; those that are going already are left alone. */
export async function evictVictims(options: EvictOptions, { node, pods }: Victims, preemptor: PodInfo): Promise<void> {
  await Promise.all(pods.filter(({ terminating }) => !terminating).map(({ pod }) => evictOne(options, pod, preemptor, node.name)));
}
