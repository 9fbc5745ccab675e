/** Takes what is left of a pod out of the runtime and the kubelet's memory: dead containers, sandboxes, logs. */
import { rm } from 'node:fs/promises';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { isRuntimeNotFound } from '../cri/client.ts';
import type { WorkerParts } from './worker.ts';

export async function forgetPod({ context, cache, statuses, puller, backoff, probes }: WorkerParts, pod: Pod, uid: string): Promise<void> {
  const ignoreMissing = (error: unknown): void => {
    if (!isRuntimeNotFound(error)) throw error;
  };
  const { sandboxes, containers } = await cache.get(uid);
  for (const { id } of sandboxes) await context.cri.removePodSandbox(id).catch(ignoreMissing);
  for (const { id } of containers) await context.cri.removeContainer(id).catch(ignoreMissing);
  await rm(context.paths.podLogs(pod), { recursive: true, force: true });
  cache.forget(uid);
  statuses.forget(uid);
  puller.forget(uid);
  backoff.delete(`${uid}_`);
  probes.remove(uid);
}
