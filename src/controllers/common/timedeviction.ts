/** Deleting pods that may stay for a while: what the controllers of node taints and of device taints have in common. */
import { setPodCondition } from '../../api/core/v1/pod/helpers.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import type { ResourceClient } from '../../client/client.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { ReconcileResult } from '../controller.ts';

export interface TimedEvictionOptions {
  pods: ResourceClient<Pod>;
  events: EventRecorder;
  now(): Date;
  eventReason: string;
  /** Texts of the events; `key` is `namespace/name`. */
  marking(key: string): string;
  cancelling(key: string): string;
  /** Of the pod's condition `DisruptionTarget`. */
  condition: { reason: string; message: string };
}

export interface TimedEvictions {
  /** Deletes the pod when it has stayed for `seconds` since `start` (milliseconds; first seen unless given); infinity lets it stay. */
  apply(key: string, pod: Pod, seconds: number, start?: number): Promise<ReconcileResult>;
  /** The pod is gone, or going. */
  forget(key: string): void;
}

export function createTimedEvictions({ pods, events, now, eventReason, marking, cancelling, condition }: TimedEvictionOptions): TimedEvictions {
  /** When pods were first seen to have to go, by a clock that never jumps. */
  const since = new Map<string, { uid: string; at: number }>();

  const say = ({ metadata }: Pod, message: string): void => events.event({ apiVersion: 'v1', kind: 'Pod', metadata }, 'Normal', eventReason, message);

  async function evict(key: string, pod: Pod): Promise<void> {
    say(pod, marking(key));
    const { namespace = '', name, uid, generation } = pod.metadata;
    const status = structuredClone(pod.status ?? {});
    const wanted = { type: 'DisruptionTarget', status: 'True', ...condition, ...(generation === undefined ? {} : { observedGeneration: generation }) };
    try {
      if (setPodCondition(status, wanted, now())) {
        const conditions = status.conditions!.filter(({ type }) => type === wanted.type);
        await pods.patch(namespace, name, 'strategic', { metadata: { uid }, status: { conditions } }, { subresource: 'status' });
      }
      await pods.delete(namespace, name, uid ? { preconditions: { uid } } : {});
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    since.delete(key);
  }

  return {
    async apply(key, pod, seconds, start) {
      if (seconds === Number.POSITIVE_INFINITY) {
        if (since.delete(key)) say(pod, cancelling(key));
        return;
      }
      const uid = pod.metadata.uid ?? '';
      const known = since.get(key);
      const at = known?.uid === uid ? known.at : performance.now();
      const leftMs = seconds * 1000 - (start === undefined ? performance.now() - at : now().getTime() - start);
      if (leftMs <= 0) return evict(key, pod);
      since.set(key, { uid, at });
      return { requeueAfterMs: leftMs };
    },
    forget: (key) => void since.delete(key),
  };
}
