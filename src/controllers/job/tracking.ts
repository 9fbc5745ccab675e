/**
 * Counts every ended pod exactly once: its uid goes into the status, then its finalizer is taken off, then the uid becomes a number.
 * Source of the rule: KEP-2307. The pure half; `job.ts` writes.
 */
import type { JobStatus } from '../../api/batch/v1/types.gen.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { completionIndex, formatIndexes, hasIndex, indexesOf, merge, total } from './indexes.ts';
import { isFailed, isIndexed, isTracked } from './pods.ts';
import { judge } from './policy.ts';
import { completionsOf, type JobState, jobCondition, trueCondition } from './state.ts';

/** Pods that are counted in one go: bounds the size of the status. */
const maxUncounted = 500;

export interface Tracking {
  /** Pods that are in the status now, and may lose their finalizer. */
  release: Pod[];
  /** The status says something that it did not say before. */
  changed: boolean;
  /** Not all ended pods fitted in: the Job can't be finished yet. */
  more: boolean;
  /** What rules of the failure policy said of pods that ended now. */
  handled: string[];
}

/** Turns uids whose pods have lost their finalizer (or are gone) into numbers; `tracked` are those that have it. True when there were any. */
export function countReleased(status: JobStatus, tracked: ReadonlySet<string>): boolean {
  const uncounted = status.uncountedTerminatedPods ?? {};
  const stay = (uids: readonly string[] = []): string[] => uids.filter((uid) => tracked.has(uid));
  const succeeded = stay(uncounted.succeeded);
  const failed = stay(uncounted.failed);
  const done = { succeeded: (uncounted.succeeded?.length ?? 0) - succeeded.length, failed: (uncounted.failed?.length ?? 0) - failed.length };
  if (done.succeeded + done.failed === 0) return false;
  status.succeeded = (status.succeeded ?? 0) + done.succeeded;
  status.failed = (status.failed ?? 0) + done.failed;
  status.uncountedTerminatedPods = { ...(succeeded.length > 0 ? { succeeded } : {}), ...(failed.length > 0 ? { failed } : {}) };
  return true;
}

/** Uids of pods that still have the finalizer. */
export const trackedUids = ({ pods, released }: JobState): Set<string> =>
  new Set(pods.filter((pod) => isTracked(pod) && !released.has(pod.metadata.uid ?? '')).map(({ metadata }) => metadata.uid ?? ''));

/** A pod that failed keeps its finalizer while it carries its index's count of failures. */
function mayRelease({ job, finished, delayed }: JobState, pod: Pod): boolean {
  if (job.metadata.deletionTimestamp || finished || pod.status?.phase === 'Succeeded') return true;
  if (!isFailed(pod, job)) return false;
  const index = completionIndex(pod);
  return job.spec.backoffLimitPerIndex === undefined || index === undefined || delayed.get(index)?.metadata.uid !== pod.metadata.uid;
}

/** Puts newly ended pods into the status. */
export function trackEnded(state: JobState): Tracking {
  const { job, status, finished } = state;
  const indexed = isIndexed(job);
  const tracked = trackedUids(state);
  let changed = countReleased(status, tracked);
  const uncounted = status.uncountedTerminatedPods ?? {};
  const succeeded = [...(uncounted.succeeded ?? [])];
  const failed = [...(uncounted.failed ?? [])];
  const newIndexes: number[] = [];
  const release: Pod[] = [];
  const handled: string[] = [];
  let more = false;
  const ending = finished !== undefined && finished.type !== 'SuccessCriteriaMet' && finished.type !== 'Complete';

  const ordered = indexed ? [...state.pods].sort((a, b) => (completionIndex(a) ?? -1) - (completionIndex(b) ?? -1)) : state.pods;
  for (const pod of ordered) {
    const uid = pod.metadata.uid ?? '';
    if (!tracked.has(uid) || !mayRelease(state, pod)) continue;
    release.push(pod);
    const index = completionIndex(pod);
    const counted = !indexed || (index !== undefined && index < completionsOf(job));
    if (pod.status?.phase === 'Succeeded' && !failed.includes(uid)) {
      if (indexed && counted && !hasIndex(state.previousIndexes, index!)) newIndexes.push(index!);
      else if (!indexed && !succeeded.includes(uid)) succeeded.push(uid);
    } else if ((isFailed(pod, job) || ending) && counted && !failed.includes(uid)) {
      const { counts, action } = judge(job, pod);
      if (counts) failed.push(uid);
      if (action) handled.push(action);
    }
    if (newIndexes.length + succeeded.length + failed.length >= maxUncounted) {
      more = true;
      break;
    }
  }

  if (newIndexes.length > 0 || succeeded.length !== (uncounted.succeeded?.length ?? 0) || failed.length !== (uncounted.failed?.length ?? 0)) changed = true;
  status.uncountedTerminatedPods = { ...(succeeded.length > 0 ? { succeeded } : {}), ...(failed.length > 0 ? { failed } : {}) };
  if (indexed) changed = noteIndexes(state, newIndexes) || changed;
  return { release, changed: noteEnd(state) || changed, more, handled };
}

function noteIndexes(state: JobState, newIndexes: readonly number[]): boolean {
  const { status } = state;
  // Only what is being counted now: more than fits in waits for the next turn.
  const completed = merge(state.previousIndexes, indexesOf(newIndexes));
  const completedIndexes = formatIndexes(completed);
  const failedIndexes = state.failedIndexes && formatIndexes(state.failedIndexes);
  const changed = completedIndexes !== (status.completedIndexes ?? '') || failedIndexes !== status.failedIndexes;
  status.succeeded = total(completed);
  if (completedIndexes !== '') status.completedIndexes = completedIndexes;
  else delete status.completedIndexes;
  if (failedIndexes !== undefined) status.failedIndexes = failedIndexes;
  return changed;
}

/** The first half of an end: the reason stands in the status before the last pods are counted. */
function noteEnd(state: JobState): boolean {
  const { finished, status, now } = state;
  if (finished?.type !== 'FailureTarget' && finished?.type !== 'SuccessCriteriaMet') return false;
  const known = trueCondition(status, finished.type) !== undefined;
  if (!known) status.conditions = [...(status.conditions ?? []), finished];
  state.finished = jobCondition(finished.type === 'FailureTarget' ? 'Failed' : 'Complete', 'True', finished.reason ?? '', finished.message ?? '', now);
  return !known;
}

/** The second half: every pod is counted and has ended. True when the Job is finished now. */
export function enactEnd(state: JobState, status: JobStatus): boolean {
  const { finished, terminating } = state;
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  if (!finished || terminating > 0 || succeeded.length + failed.length > 0) return false;
  status.conditions = [...(status.conditions ?? []).filter(({ type }) => type !== finished.type), finished];
  if (finished.type === 'Complete') status.completionTime = finished.lastTransitionTime;
  return true;
}
