/** Pods that ended where they should run on: deleted so that new ones come, the failed ones after growing delays. */
import type { DaemonSet } from '../../api/apps/v1/types.gen.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Enqueue } from '../controller.ts';
import type { Ended } from './plan.ts';

const baseDelayMs = 1_000;
const maxDelayMs = 15 * 60_000;

/** Gives, for one DaemonSet, whether a pod that ended is to be deleted now. */
export function createEndedPods(events: EventRecorder, enqueue: Enqueue): (key: string, set: DaemonSet) => (ended: Ended) => boolean {
  const delays = new Map<string, { delay: number; last: number }>();

  function forgetOld(): void {
    for (const [id, { last }] of delays) if (performance.now() - last > 2 * maxDelayMs) delays.delete(id);
  }

  return (key, set) =>
    ({ pod, node }) => {
      const { namespace, name } = pod.metadata;
      if (pod.status?.phase === 'Succeeded') {
        events.event(set, 'Normal', 'SucceededDaemonPod', `Found succeeded daemon pod ${namespace}/${name} on node ${node}, will try to delete it`);
        return true;
      }
      const id = `${set.metadata.uid}/${set.status?.observedGeneration ?? 0}/${node}`;
      const known = delays.get(id);
      if (known && performance.now() - known.last < known.delay) {
        enqueue.after(key, known.delay);
        return false;
      }
      forgetOld();
      delays.set(id, { delay: Math.min(known ? known.delay * 2 : baseDelayMs, maxDelayMs), last: performance.now() });
      events.event(set, 'Warning', 'FailedDaemonPod', `Found failed daemon pod ${namespace}/${name} on node ${node}, will try to kill it`);
      return true;
    };
}
