/** `ttl-after-finished-controller`: deletes Jobs some time after they have finished. */

import { isJobFinished } from '../api/batch/v1/job/conditions.ts';
import { jobs as jobKind } from '../api/batch/v1/job.ts';
import type { Job } from '../api/batch/v1/types.gen.ts';
import { isNotFound } from '../apimachinery/errors.ts';
import { keyOf, splitKey } from '../apimachinery/meta.ts';
import { defineController } from './controller.ts';

/** Milliseconds that are left to a job; undefined when it stays, or runs still. */
function timeLeft(job: Job, now: Date): number | undefined {
  const { ttlSecondsAfterFinished } = job.spec;
  if (ttlSecondsAfterFinished === undefined || job.metadata.deletionTimestamp || !isJobFinished(job)) return undefined;
  const end = job.status?.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
  return end?.lastTransitionTime ? Date.parse(end.lastTransitionTime) + ttlSecondsAfterFinished * 1_000 - now.getTime() : undefined;
}

export const ttlAfterFinishedController = defineController({
  name: 'ttl-after-finished-controller',
  setup({ client, informers, now }, enqueue) {
    const jobs = informers.informer(jobKind);
    const jobClient = client.resource(jobKind);
    const consider = (job: Job): void => {
      if (timeLeft(job, now()) !== undefined) enqueue(keyOf(job));
    };
    jobs.addHandlers({ added: consider, updated: consider });

    return {
      async reconcile(key) {
        const cached = jobs.getByKey(key);
        if (!cached) return undefined;
        const left = timeLeft(cached, now());
        if (left === undefined) return undefined;
        if (left > 0) return { requeueAfterMs: left };
        const { namespace, name } = splitKey(key);
        try {
          // The time may have been made longer just now.
          const job = await jobClient.get(namespace, name);
          const reallyLeft = timeLeft(job, now());
          if (reallyLeft === undefined) return undefined;
          if (reallyLeft > 0) return { requeueAfterMs: reallyLeft };
          const { uid, resourceVersion } = job.metadata;
          await jobClient.delete(namespace, name, { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion } });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
});
