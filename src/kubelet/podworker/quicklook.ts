/**
 * When to look again at a pod of which a container is likely to end soon. A runtime that does not tell of changes is
 * listed once a second; a pod with init containers, or one that runs to completion, should not wait for that each time.
 */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { isRestartableInit } from '../containers/resources.ts';
import { findContainer, type RuntimePod } from '../runtime/model.ts';

const firstMs = 40;
/** From here on the listing is as good. */
const lastMs = 800;

/** Epoch milliseconds; undefined when the next listing is soon enough. The longer a container runs the rarer the looks. */
export function nextLook(pod: Pod, runtime: RuntimePod, now: number): number | undefined {
  const inits = (pod.spec.initContainers ?? []).filter((container) => !isRestartableInit(container));
  const regular = pod.spec.restartPolicy === 'Always' || pod.spec.restartPolicy === undefined ? [] : pod.spec.containers;
  const youngest = [...inits, ...regular].flatMap(({ name }) => {
    const current = findContainer(runtime, name);
    return current?.state === 'running' ? [now - (current.startedAt ?? current.createdAt).getTime()] : [];
  });
  if (youngest.length === 0) return undefined;
  const delay = Math.max(firstMs, Math.min(...youngest) / 4);
  return delay < lastMs ? now + delay : undefined;
}
