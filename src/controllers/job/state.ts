/** Where a Job stands: its status and its pods together, before anything is done about it. Pure. */
import type { Job, JobCondition, JobStatus } from '../../api/batch/v1/types.gen.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { timeOf } from '../../apimachinery/meta.ts';
import { findCondition } from '../common/conditions.ts';
import { isPodActive, isPodReady, isPodTerminating } from '../common/podstate.ts';
import { addFailures, type Failures, finishedAt } from './backoff.ts';
import { completionIndex, hasIndex, type Indexes, indexesOf, merge, parseIndexes, total } from './indexes.ts';
import { allIndexFailures, indexFailures, isFailed, isIndexed, isTracked } from './pods.ts';
import { judge, metSuccessRule } from './policy.ts';

export interface JobState {
  job: Job;
  /** The status as it will be written. */
  status: JobStatus;
  pods: readonly Pod[];
  active: readonly Pod[];
  /** Pods whose finalizer was taken off, which the cache does not show yet. */
  released: ReadonlySet<string>;
  ready: number;
  terminating: number;
  succeeded: number;
  failed: number;
  failures: Failures;
  previousIndexes: Indexes;
  succeededIndexes: Indexes;
  /** Only where the backoff limit is per index. */
  failedIndexes?: Indexes;
  /** By index, the failed pod that waits to be replaced: it carries the count of failures. */
  delayed: Map<number, Pod>;
  /** The Job is ending, for this reason. */
  finished?: JobCondition;
  now: Date;
}

export const completionsOf = ({ spec }: Job): number => spec.completions ?? 1;
export const isSuspended = ({ spec }: Job): boolean => spec.suspend === true;
export const trueCondition = (status: JobStatus | undefined, type: string): JobCondition | undefined => {
  const found = findCondition(status?.conditions, type);
  return found?.status === 'True' ? found : undefined;
};

export const jobCondition = (type: string, status: string, reason: string, message: string, now: Date): JobCondition => {
  const time = timeOf(now);
  return { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
};

/** An index that the Job has (any longer). */
const isCounted = (job: Job, pod: Pod): boolean => {
  if (!isIndexed(job)) return true;
  const index = completionIndex(pod);
  return index !== undefined && index < completionsOf(job);
};

function failedByIndex(job: Job, pod: Pod): boolean {
  if (!isFailed(pod, job)) return false;
  const { failsIndex, counts } = judge(job, pod);
  return failsIndex || (counts && indexFailures(pod) >= (job.spec.backoffLimitPerIndex ?? 0));
}

/** Failures are replaced one by one, so that no count is lost: the pod with the most of them is the one to replace. */
function delayedByIndex(state: JobState): Map<number, Pod> {
  const delayed = new Map<number, Pod>();
  const activeIndexes = new Set(state.active.map(completionIndex));
  for (const pod of state.pods) {
    if (!isTracked(pod) || state.released.has(pod.metadata.uid ?? '') || !isCounted(state.job, pod) || !isFailed(pod, state.job)) continue;
    const index = completionIndex(pod)!;
    if (hasIndex(state.succeededIndexes, index) || hasIndex(state.failedIndexes ?? [], index) || activeIndexes.has(index)) continue;
    const known = delayed.get(index);
    if (!known || (allIndexFailures(known) <= allIndexFailures(pod) && finishedAt(pod) >= finishedAt(known))) delayed.set(index, pod);
  }
  return delayed;
}

/** Restarts in place, which pods that are never recreated count with. */
function pastBackoffLimitByRestarts({ job, pods }: JobState): boolean {
  const { template, backoffLimit = 6 } = job.spec;
  if (template.spec?.restartPolicy !== 'OnFailure') return false;
  const counted = pods.filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending');
  const restarts = counted
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  return backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit;
}

const failure = (reason: string, message: string, now: Date): JobCondition => jobCondition('FailureTarget', 'True', reason, message, now);

/** When the Job has been active for too long, in milliseconds from now; undefined without a limit. */
export function deadlineMs({ job, status, now }: JobState): number | undefined {
  const { activeDeadlineSeconds } = job.spec;
  if (activeDeadlineSeconds === undefined || !status.startTime || isSuspended(job)) return undefined;
  return Date.parse(status.startTime) + activeDeadlineSeconds * 1_000 - now.getTime();
}

function endOf(state: JobState): JobCondition | undefined {
  const { job, status, pods, now } = state;
  const success = trueCondition(status, 'SuccessCriteriaMet');
  if (success) return success;
  const target = trueCondition(status, 'FailureTarget');
  if (target) return jobCondition('Failed', 'True', target.reason ?? '', target.message ?? '', now);
  for (const pod of pods) {
    const message = job.spec.podFailurePolicy && isFailed(pod, job) ? judge(job, pod).failsJob : undefined;
    if (message !== undefined) return failure('PodFailurePolicy', message, now);
  }
  const limit = job.spec.backoffLimit ?? (job.spec.backoffLimitPerIndex === undefined ? 6 : Number.POSITIVE_INFINITY);
  if (state.failed > limit || pastBackoffLimitByRestarts(state)) return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit', now);
  if ((deadlineMs(state) ?? 1) <= 0) return failure('DeadlineExceeded', 'Job was active longer than specified deadline', now);
  return undefined;
}

function endByIndexes({ job, failedIndexes = [], succeededIndexes, now }: JobState): JobCondition | undefined {
  const { maxFailedIndexes, successPolicy } = job.spec;
  if (maxFailedIndexes !== undefined && total(failedIndexes) > maxFailedIndexes) {
    return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes', now);
  }
  if (failedIndexes.length > 0 && total(failedIndexes) + total(succeededIndexes) >= completionsOf(job))
    return failure('FailedIndexes', 'Job has failed indexes', now);
  const met = metSuccessRule(successPolicy, completionsOf(job), succeededIndexes);
  return met === undefined ? undefined : jobCondition('SuccessCriteriaMet', 'True', 'SuccessPolicy', met, now);
}

/** `failures` as they were when the status was written last. */
export function assess(job: Job, pods: readonly Pod[], released: ReadonlySet<string>, failures: Failures, now: Date): JobState {
  const status: JobStatus = structuredClone(job.status ?? {});
  status.uncountedTerminatedPods ??= {};
  if (!status.startTime && !isSuspended(job)) status.startTime = timeOf(now);
  const uncounted = new Set([...(status.uncountedTerminatedPods.succeeded ?? []), ...(status.uncountedTerminatedPods.failed ?? [])]);
  const fresh = pods.filter((pod) => isTracked(pod) && !uncounted.has(pod.metadata.uid ?? '') && !released.has(pod.metadata.uid ?? '') && isCounted(job, pod));
  const newSucceeded = fresh.filter((pod) => pod.status?.phase === 'Succeeded');
  const newFailed = fresh.filter((pod) => isFailed(pod, job));
  const active = pods.filter(isPodActive);
  const state: JobState = {
    job,
    status,
    pods,
    active,
    released,
    ready: active.filter(isPodReady).length,
    terminating: pods.filter(isPodTerminating).length,
    succeeded: (status.succeeded ?? 0) + newSucceeded.length + (status.uncountedTerminatedPods.succeeded?.length ?? 0),
    failed: (status.failed ?? 0) + newFailed.filter((pod) => judge(job, pod).counts).length + (status.uncountedTerminatedPods.failed?.length ?? 0),
    failures: addFailures(failures, newSucceeded, newFailed),
    previousIndexes: [],
    succeededIndexes: [],
    delayed: new Map(),
    now,
  };
  state.finished = endOf(state);
  if (!isIndexed(job)) return state;

  const completions = completionsOf(job);
  const tracked = pods.filter((pod) => isTracked(pod) && isCounted(job, pod));
  const newIndexes = (test: (pod: Pod) => boolean): Indexes => indexesOf(tracked.filter(test).map((pod) => completionIndex(pod)!));
  state.previousIndexes = parseIndexes(status.completedIndexes, completions);
  state.succeededIndexes = merge(
    state.previousIndexes,
    newIndexes((pod) => pod.status?.phase === 'Succeeded'),
  );
  state.succeeded = total(state.succeededIndexes);
  if (job.spec.backoffLimitPerIndex !== undefined) {
    state.failedIndexes = merge(
      parseIndexes(status.failedIndexes, completions),
      newIndexes((pod) => failedByIndex(job, pod)),
    );
    state.delayed = delayedByIndex(state);
  }
  state.finished ??= endByIndexes(state);
  return state;
}
