/** `job-controller`: runs pods until enough of them have succeeded, or too many have failed. */

import { isJobFinished } from '../../api/batch/v1/job/conditions.ts';
import { jobs as jobKind } from '../../api/batch/v1/job.ts';
import type { Job } from '../../api/batch/v1/types.gen.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { controllerOf, keyOf, splitKey, timeOf } from '../../apimachinery/meta.ts';
import { labelSelectorMatcher } from '../../apimachinery/selectors.ts';
import { createUidExpectations } from '../../client/expectations.ts';
import { claim } from '../common/claim.ts';
import { createFreshness } from '../common/freshness.ts';
import { createOwnedLister, resolveController, watchOwned } from '../common/ownership.ts';
import { type ControllerContext, defineController, type Enqueue, type ReconcileResult, type RunningController } from '../controller.ts';
import { type Failures, noFailures } from './backoff.ts';
import { createJobPods } from './manage.ts';
import { failuresHandled, jobEnded, podsCounted, type SyncAction, syncBegan } from './metrics.ts';
import { isTracked, trackingFinalizer, withoutTracking } from './pods.ts';
import { assess, deadlineMs, isSuspended, type JobState, jobCondition } from './state.ts';
import { countReleased, enactEnd, trackEnded, trackedUids } from './tracking.ts';

export const jobController = defineController({ name: 'job-controller', setup });

/** Changes of pods that come together are looked at together: the more Jobs run, the later, since each look is likely to write a status. */
const batchMs = (running: number): number => Math.min(50 + 2 * running, 1_000);
const staleMs = 20;
const orphanPrefix = 'orphan:';
const ownName = 'kubernetes.io/job-controller';

function setup(context: ControllerContext, enqueue: Enqueue): RunningController {
  const { client, informers, events, now } = context;
  const jobs = informers.informer(jobKind);
  const pods = informers.informer(podKind);
  const owned = createOwnedLister(pods);
  const jobClient = client.resource(jobKind);
  const podClient = client.resource(podKind);
  const expectations = createUidExpectations();
  const jobPods = createJobPods(context, expectations);
  const fresh = createFreshness();
  const failures = new Map<string, Failures>();
  /** By uid of the job: pods whose finalizer was taken off and that the cache shows with it still. */
  const released = new Map<string, Set<string>>();
  /** Keys of Jobs that have not finished. */
  const running = new Set<string>();
  const enqueueBatched = (key: string): void => enqueue.after(key, batchMs(running.size));

  function note(job: Job): void {
    if (isJobFinished(job)) running.delete(keyOf(job));
    else running.add(keyOf(job));
  }

  function forget(job: Job): void {
    expectations.forget(keyOf(job));
    fresh.forget(keyOf(job));
    failures.delete(job.metadata.uid ?? '');
    released.delete(job.metadata.uid ?? '');
  }

  function considerOrphan(pod: Pod): void {
    const owner = controllerOf(pod);
    if (!isTracked(pod) || (owner && owner.kind !== jobKind.kind)) return;
    if (!owner || !resolveController(jobs, pod.metadata.namespace ?? '', owner)) enqueue(`${orphanPrefix}${keyOf(pod)}`);
  }

  jobs.addHandlers({
    added(job) {
      note(job);
      enqueue(keyOf(job));
    },
    updated(job, old) {
      note(job);
      if (job.metadata.generation === old.metadata.generation) enqueueBatched(keyOf(job));
      else enqueue(keyOf(job));
    },
    deleted(job) {
      running.delete(keyOf(job));
      forget(job);
      enqueue(keyOf(job));
      for (const pod of owned.ownedBy(job)) considerOrphan(pod);
    },
  });
  watchOwned({
    owners: jobs,
    children: pods,
    selects: (job, pod) => labelSelectorMatcher(job.spec.selector).matches(pod.metadata.labels),
    enqueue: enqueueBatched,
    created: (key) => expectations.creationObserved(key),
    deleted: (key, pod) => expectations.deletionObserved(key, keyOf(pod)),
  });
  const observe = (pod: Pod, gone: boolean): void => {
    if (gone || !isTracked(pod)) released.get(controllerOf(pod)?.uid ?? '')?.delete(pod.metadata.uid ?? '');
    if (!gone) considerOrphan(pod);
  };
  pods.addHandlers({ added: (pod) => observe(pod, false), updated: (pod) => observe(pod, false), deleted: (pod) => observe(pod, true) });

  /** A pod without its job must not be kept by the job's finalizer. */
  async function releaseOrphan(key: string): Promise<void> {
    const pod = pods.getByKey(key);
    if (!pod || !isTracked(pod)) return;
    const owner = controllerOf(pod);
    if (owner && owner.kind !== jobKind.kind) return;
    const job = owner && resolveController(jobs, pod.metadata.namespace ?? '', owner);
    if (job && (job.spec.managedBy === undefined || job.spec.managedBy === ownName)) return;
    if (owner && !job) {
      const { namespace } = splitKey(key);
      const live = await jobClient.get(namespace, owner.name).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      if (live?.metadata.uid === owner.uid) return;
    }
    await release([pod], undefined);
  }

  /** Gives the first error after all were tried. */
  async function release(list: readonly Pod[], jobUid: string | undefined): Promise<unknown> {
    const expected = jobUid === undefined ? undefined : (released.get(jobUid) ?? new Set());
    if (jobUid !== undefined && expected) released.set(jobUid, expected);
    let error: unknown;
    await Promise.all(
      list.map(async (pod) => {
        const { namespace = '', name, uid = '' } = pod.metadata;
        expected?.add(uid);
        try {
          await podClient.patch(namespace, name, 'strategic', withoutTracking(pod));
        } catch (failure) {
          if (isNotFound(failure)) return;
          expected?.delete(uid);
          error = failure;
        }
      }),
    );
    return error;
  }

  /** Suspending ends all pods; the clock starts anew when it goes on. */
  function noteSuspension({ job, status, now: time }: JobState): boolean {
    const suspended = isSuspended(job);
    const current = status.conditions?.find(({ type }) => type === 'Suspended');
    if (suspended ? current?.status === 'True' : current?.status !== 'True') return false;
    const next = suspended
      ? jobCondition('Suspended', 'True', 'JobSuspended', 'Job suspended', time)
      : jobCondition('Suspended', 'False', 'JobResumed', 'Job resumed', time);
    status.conditions = current ? status.conditions!.map((condition) => (condition === current ? next : condition)) : [...(status.conditions ?? []), next];
    if (suspended) delete status.startTime;
    else status.startTime = timeOf(time);
    events.event(job, 'Normal', suspended ? 'Suspended' : 'Resumed', next.message ?? '');
    return true;
  }

  interface Step {
    active: number;
    action: SyncAction;
    error?: unknown;
    waitMs?: number;
    suspensionChanged?: boolean;
  }

  async function act(key: string, state: JobState, satisfied: boolean): Promise<Step> {
    const { job, active } = state;
    if (state.finished) {
      const { deleted, error } = await jobPods.stop(key, state, active);
      // Not all are gone, or others may come: the end waits.
      if (deleted !== active.length || !satisfied) state.finished = undefined;
      return { action: 'reconciling', active: active.length - deleted, error };
    }
    const managed: Step = satisfied && !job.metadata.deletionTimestamp ? await jobPods.manage(key, state) : { action: 'reconciling', active: active.length };
    const { completions } = job.spec;
    const complete = managed.active === 0 && (completions === undefined ? state.succeeded > 0 : state.succeeded >= completions);
    if (complete) state.finished = jobCondition('SuccessCriteriaMet', 'True', 'CompletionsReached', 'Reached expected number of succeeded pods', state.now);
    else if (satisfied && !job.metadata.deletionTimestamp) managed.suspensionChanged = noteSuspension(state);
    return managed;
  }

  async function write(key: string, job: Job, state: JobState): Promise<Job> {
    const written = await jobClient.updateStatus({ ...job, status: state.status });
    fresh.wrote(key, written);
    state.status = written.status ?? {};
    state.status.uncountedTerminatedPods ??= {};
    return written;
  }

  async function record(key: string, state: JobState, changedBefore: boolean): Promise<void> {
    const uid = state.job.metadata.uid ?? '';
    const tracking = trackEnded(state);
    let job = state.job;
    if (tracking.changed || changedBefore) {
      job = await write(key, job, state);
      failures.set(uid, state.failures);
      failuresHandled(tracking.handled);
    }
    const tracked = trackedUids(state);
    const error = tracking.release.length > 0 ? await release(tracking.release, uid) : undefined;
    const gone = released.get(uid) ?? new Set();
    for (const pod of tracking.release) if (gone.has(pod.metadata.uid ?? '')) tracked.delete(pod.metadata.uid ?? '');
    const { succeeded = 0, failed = 0 } = state.status;
    const counted = countReleased(state.status, tracked);
    podsCounted(job, (state.status.succeeded ?? 0) - succeeded, (state.status.failed ?? 0) - failed);
    const finished = !tracking.more && error === undefined && enactEnd(state, state.status);
    if (counted || finished) await write(key, job, state);
    if (error !== undefined) throw error;
    if (finished) announce(state);
  }

  function announce({ job, status, finished }: JobState): void {
    jobEnded(job, finished?.type === 'Complete', finished?.reason ?? '');
    if (finished?.type !== 'Complete') {
      events.event(job, 'Warning', finished?.reason ?? '', finished?.message ?? '');
      return;
    }
    if (job.spec.completions !== undefined && (status.succeeded ?? 0) > job.spec.completions) {
      events.event(job, 'Warning', 'TooManySucceededPods', 'Too many succeeded pods running after completion count reached');
    }
    events.event(job, 'Normal', 'Completed', 'Job completed');
  }

  async function reconcileJob(key: string, job: Job): Promise<ReconcileResult> {
    const ended = syncBegan(job);
    let action: SyncAction = 'reconciling';
    try {
      const result = await sync(key, job, (step) => (action = step));
      ended(true, action);
      return result;
    } catch (error) {
      ended(false, action);
      throw error;
    }
  }

  async function sync(key: string, job: Job, did: (action: SyncAction) => void): Promise<ReconcileResult> {
    const uid = job.metadata.uid ?? '';
    // Of the same moment as the pods that are looked at: both change while the claim waits.
    const satisfied = expectations.satisfied(key);
    const releasedNow = new Set(released.get(uid));
    const own = await claim({
      owner: job,
      owners: jobClient,
      children: podClient,
      selector: labelSelectorMatcher(job.spec.selector),
      candidates: owned.candidates(job),
      finalizers: [trackingFinalizer],
    });
    const state = assess(job, own, releasedNow, failures.get(uid) ?? noFailures, now());
    const step = await act(key, state, satisfied);
    did(step.action);
    const before = job.status ?? {};
    const changed =
      step.suspensionChanged ||
      step.active !== (before.active ?? 0) ||
      state.ready !== before.ready ||
      state.terminating !== before.terminating ||
      before.startTime !== state.status.startTime;
    Object.assign(state.status, { active: step.active, ready: state.ready, terminating: state.terminating });
    await record(key, state, changed);
    if (step.error !== undefined) throw step.error;
    const waits = [step.waitMs, deadlineMs(state)].filter((wait) => wait !== undefined && wait > 0) as number[];
    return waits.length > 0 ? { requeueAfterMs: Math.min(...waits) } : undefined;
  }

  return {
    async reconcile(key) {
      if (key.startsWith(orphanPrefix)) {
        await releaseOrphan(key.slice(orphanPrefix.length));
        return undefined;
      }
      const job = jobs.getByKey(key);
      if (!job) {
        expectations.forget(key);
        return undefined;
      }
      if (job.spec.managedBy !== undefined && job.spec.managedBy !== ownName) return undefined;
      if (isJobFinished(job)) {
        forget(job);
        return undefined;
      }
      // The status decides how many pods are missing: one that is behind would start too many.
      if (fresh.isStale(key, job)) return { requeueAfterMs: staleMs };
      if (job.spec.completionMode !== undefined && !['Indexed', 'NonIndexed'].includes(job.spec.completionMode)) {
        events.event(job, 'Warning', 'UnknownCompletionMode', 'Skipped Job sync because completion mode is unknown');
        return undefined;
      }
      return reconcileJob(key, job);
    },
  };
}
