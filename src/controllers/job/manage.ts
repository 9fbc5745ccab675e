/** Brings the number of a Job's running pods to what it should be. */
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import type { UidExpectations } from '../../client/expectations.ts';
import { createPodControl, isNamespaceTerminating } from '../common/podcontrol.ts';
import { isPodReady, isPodTerminating } from '../common/podstate.ts';
import { podsToDelete } from '../common/ranking.ts';
import { slowStart } from '../common/slowstart.ts';
import type { ControllerContext } from '../controller.ts';
import { finishedAt, remainingBackoff } from './backoff.ts';
import { completionIndex, freeIndexes, indexesOf, merge } from './indexes.ts';
import type { SyncAction } from './metrics.ts';
import { allIndexFailures, isIndexed, isTracked, newJobPod, replacesOnlyFailed, withoutTracking } from './pods.ts';
import { completionsOf, isSuspended, type JobState } from './state.ts';

export interface Managed {
  active: number;
  error?: unknown;
  /** Look again then: failed pods wait for their replacement. */
  waitMs?: number;
  action: SyncAction;
}

export interface JobPods {
  /** Ends all pods that run, without counting them. */
  stop(key: string, state: JobState, pods: readonly Pod[]): Promise<{ deleted: number; error?: unknown }>;
  manage(key: string, state: JobState): Promise<Managed>;
}

/** Pods created or deleted in one go. */
const burst = 500;

/** How many pods should run now. */
function wantedActive({ job, succeeded, active }: JobState): number {
  const { parallelism = 1, completions } = job.spec;
  // Of a work queue: one success means that there is no more work.
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(completions - succeeded, parallelism));
}

/** Pods that go: second ones of an index and those of indexes that are no more, then as many others as needed. */
function surplus({ job, active, now }: JobState, atLeast: number): Pod[] {
  const doomed: Pod[] = [];
  let rest = [...active];
  if (isIndexed(job)) {
    rest = [];
    for (const [index, pods] of Map.groupBy(active, completionIndex)) {
      if (index === undefined || index >= completionsOf(job)) doomed.push(...pods);
      else {
        const extra = podsToDelete(pods, pods.length - 1, () => 0, now);
        doomed.push(...extra);
        rest.push(...pods.filter((pod) => !extra.includes(pod)));
      }
    }
  }
  const more = atLeast - doomed.length;
  return more > 0 ? [...doomed, ...podsToDelete(rest, Math.min(more, rest.length), () => 0, now)] : doomed;
}

export function createJobPods({ client, events }: Pick<ControllerContext, 'client' | 'events'>, expectations: UidExpectations): JobPods {
  const pods = client.resource(podKind);
  const control = createPodControl(client, events);

  async function stop(key: string, state: JobState, doomed: readonly Pod[]): Promise<{ deleted: number; error?: unknown }> {
    let error: unknown;
    const results = await Promise.all(
      doomed.map(async (pod) => {
        const { namespace = '', name } = pod.metadata;
        try {
          if (isTracked(pod)) await pods.patch(namespace, name, 'strategic', withoutTracking(pod));
          await control.delete(namespace, name, state.job);
        } catch (failure) {
          expectations.deletionObserved(key, keyOf(pod));
          if (!isNotFound(failure)) {
            error = failure;
            return 0;
          }
        }
        if (isPodReady(pod)) state.ready--;
        return 1;
      }),
    );
    const deleted = results.reduce<number>((sum, one) => sum + one, 0);
    state.terminating += deleted;
    return { deleted, ...(error === undefined ? {} : { error }) };
  }

  async function stopExpected(key: string, state: JobState, doomed: readonly Pod[]): Promise<Managed> {
    expectations.expectDeletions(key, doomed.map(keyOf));
    const { deleted, error } = await stop(key, state, doomed);
    return { action: 'pods_deleted', active: state.active.length - deleted, ...(error === undefined ? {} : { error }) };
  }

  async function start(key: string, { job, active, delayed }: JobState, count: number, indexes: readonly number[] | undefined): Promise<Managed> {
    expectations.expectCreations(key, count);
    const { succeeded, error } = await slowStart(count, async (position) => {
      const index = indexes?.[position];
      try {
        await control.create(newJobPod(job, index, index === undefined ? undefined : delayed.get(index)), job);
      } catch (failure) {
        if (!isNamespaceTerminating(failure)) throw failure;
        expectations.creationObserved(key);
      }
    });
    for (let missing = count - succeeded; missing > 0; missing--) expectations.creationObserved(key);
    return { action: 'pods_created', active: active.length + succeeded, ...(error === undefined ? {} : { error }) };
  }

  /** Indexes that may be started now; those that failed wait for their own backoff. */
  function startable(state: JobState, count: number): { indexes: number[]; waitMs?: number } {
    const { job, active, pods: all, succeededIndexes, failedIndexes = [], delayed, now } = state;
    const running = [...active, ...(replacesOnlyFailed(job) ? all.filter(isPodTerminating) : [])].flatMap((pod) => completionIndex(pod) ?? []);
    const free = freeIndexes(merge(merge(succeededIndexes, failedIndexes), indexesOf(running)), count, completionsOf(job));
    if (job.spec.backoffLimitPerIndex === undefined) return { indexes: free };
    const waits = free.map((index) => {
      const failed: Pod | undefined = delayed.get(index);
      return failed ? remainingBackoff({ count: allIndexFailures(failed) + 1, last: finishedAt(failed) }, now.getTime()) : 0;
    });
    const indexes = free.filter((_, position) => waits[position] === 0);
    return indexes.length > 0 || free.length === 0 ? { indexes } : { indexes, waitMs: Math.min(...waits) };
  }

  return {
    stop,
    async manage(key, state) {
      const { job, active, now } = state;
      const wanted = isSuspended(job) ? 0 : wantedActive(state);
      const doomed = surplus(state, Math.max(0, active.length - wanted)).slice(0, isSuspended(job) ? undefined : burst);
      if (doomed.length > 0) return stopExpected(key, state, doomed);
      const missing = wanted - active.length - (replacesOnlyFailed(job) ? state.terminating : 0);
      if (missing <= 0 || isSuspended(job)) return { action: 'tracking', active: active.length };
      const perIndex = job.spec.backoffLimitPerIndex !== undefined;
      const waitMs = perIndex ? 0 : remainingBackoff(state.failures, now.getTime());
      if (waitMs > 0) return { action: 'pods_created', active: active.length, waitMs };
      const count = Math.min(missing, burst);
      if (!isIndexed(job)) return start(key, state, count, undefined);
      const { indexes, waitMs: indexWaitMs } = startable(state, count);
      if (indexWaitMs !== undefined) return { action: 'pods_created', active: active.length, waitMs: indexWaitMs };
      return start(key, state, indexes.length, indexes);
    },
  };
}
