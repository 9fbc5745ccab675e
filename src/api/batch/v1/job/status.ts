/** What a Job's status may say, and how it may change: other controllers write it too (`managedBy`). */
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, invalidUnshown, invalidValue, path, required } from '../../../../apimachinery/fieldpath.ts';
import { immutableMessage, validateNonNegative } from '../../../../apimachinery/validation/common.ts';
import type { Job, JobStatus } from '../types.gen.ts';
import { isConditionFalse, isConditionTrue, isJobComplete, isJobFailed, isJobFinished } from './conditions.ts';
import { firstOverlap, indexesError } from './indexes.ts';

const at = path('status');
const conditionsAt = at.child('conditions');

function validateUncounted({ uncountedTerminatedPods }: JobStatus): FieldError[] {
  const seen = new Set<string>();
  return (['succeeded', 'failed'] as const).flatMap((list) =>
    (uncountedTerminatedPods?.[list] ?? []).flatMap((uid, index) => {
      const itemAt = at.child('uncountedTerminatedPods', list).index(index);
      if (uid === '') return [invalidValue(itemAt, uid, 'must not be empty')];
      if (seen.has(uid)) return [duplicate(itemAt, uid)];
      seen.add(uid);
      return [];
    }),
  );
}

/** A rule is checked when one of the things that it is about changed: what is wrong already does not stop other writes. */
type Rule = (job: Job, old: Job) => FieldError[];

const changed = (job: Job, old: Job, what: (one: Job) => unknown): boolean => !semanticEqual(what(job), what(old));
const conditionIs =
  (type: string) =>
  (job: Job): boolean =>
    isConditionTrue(job, type);

const completionRules: Rule = (job, old) => {
  const { startTime, completionTime } = job.status ?? {};
  const errors: FieldError[] = [];
  const completeChanged = changed(job, old, isJobComplete);
  const timeChanged = changed(job, old, ({ status }) => status?.completionTime);
  if (completeChanged || changed(job, old, isJobFailed)) {
    if (isJobComplete(job) && isJobFailed(job)) errors.push(invalidUnshown(conditionsAt, 'cannot set Complete=True and Failed=true conditions'));
  }
  if ((completeChanged || changed(job, old, conditionIs('FailureTarget'))) && isJobComplete(job) && isConditionTrue(job, 'FailureTarget')) {
    errors.push(invalidUnshown(conditionsAt, 'cannot set Complete=True and FailureTarget=true conditions'));
  }
  if (completeChanged || timeChanged) {
    const timeAt = at.child('completionTime');
    if (completionTime && !isJobComplete(job)) {
      errors.push(invalidValue(timeAt, completionTime, 'cannot set completionTime when there is no Complete=True condition'));
    }
    if (!completionTime && isJobComplete(job)) errors.push(required(timeAt, 'completionTime is required for Complete jobs'));
  }
  if ((timeChanged || changed(job, old, ({ status }) => status?.startTime)) && startTime && completionTime && completionTime < startTime) {
    errors.push(invalidValue(at.child('completionTime'), completionTime, 'must be equal to or after `startTime`'));
  }
  return errors;
};

const reasonRules: Rule = (job, old) => {
  const errors: FieldError[] = [];
  if (changed(job, old, isJobFailed) || changed(job, old, ({ status }) => status?.failedIndexes)) {
    if (isJobFailed(job) && !isConditionTrue(job, 'FailureTarget')) {
      errors.push(invalidUnshown(conditionsAt, 'cannot set Failed=True condition without the FailureTarget=true condition'));
    }
  }
  if (changed(job, old, isJobComplete) || changed(job, old, conditionIs('SuccessCriteriaMet'))) {
    if (isJobComplete(job) && !isConditionTrue(job, 'SuccessCriteriaMet')) {
      errors.push(invalidUnshown(conditionsAt, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition'));
    }
  }
  return errors;
};

const finishedRules: Rule = (job, old) => {
  const { active = 0, startTime, uncountedTerminatedPods: uncounted, terminating } = job.status ?? {};
  if (!isJobFinished(job)) return [];
  const errors: FieldError[] = [];
  const finishedChanged = changed(job, old, isJobFinished);
  if (active > 0 && (finishedChanged || active !== (old.status?.active ?? 0))) {
    errors.push(invalidValue(at.child('active'), active, 'active>0 is invalid for finished job'));
  }
  const emptySuspended = job.spec.suspend === true && job.spec.completions === 0;
  if (!startTime && !emptySuspended && (finishedChanged || old.status?.startTime !== startTime)) {
    errors.push(required(at.child('startTime'), 'startTime is required for finished job'));
  }
  const left = (uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0);
  if (left > 0 && (finishedChanged || changed(job, old, ({ status }) => status?.uncountedTerminatedPods))) {
    errors.push(invalidValue(at.child('uncountedTerminatedPods'), uncounted, 'must be empty for finished job'));
  }
  if (terminating !== undefined && terminating > 0 && (finishedChanged || terminating !== old.status?.terminating)) {
    errors.push(invalidValue(at.child('terminating'), terminating, 'terminating>0 is invalid for finished job'));
  }
  return errors;
};

const indexRules: Rule = (job, old) => {
  const { completedIndexes = '', failedIndexes } = job.status ?? {};
  const { completions, backoffLimitPerIndex, completionMode } = job.spec;
  const completedChanged = completedIndexes !== (old.status?.completedIndexes ?? '');
  const failedChanged = failedIndexes !== old.status?.failedIndexes;
  const errors: FieldError[] = [];
  const completedAt = at.child('completedIndexes');
  const failedAt = at.child('failedIndexes');
  if (completedChanged) {
    const wrong = completions === undefined ? undefined : indexesError(completedIndexes, completions);
    if (wrong) errors.push(invalidValue(completedAt, completedIndexes, `error parsing completedIndexes: ${wrong}`));
    if (completedIndexes !== '' && completionMode !== 'Indexed') {
      errors.push(invalidValue(completedAt, completedIndexes, 'cannot set non-empty completedIndexes when non-indexed completion mode'));
    }
  }
  if (failedChanged && failedIndexes !== undefined) {
    const wrong = completions === undefined || backoffLimitPerIndex === undefined ? undefined : indexesError(failedIndexes, completions);
    if (wrong) errors.push(invalidValue(failedAt, failedIndexes, `error parsing failedIndexes: ${wrong}`));
    if (backoffLimitPerIndex === undefined) {
      errors.push(invalidValue(failedAt, failedIndexes, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'));
    }
  }
  if ((completedChanged || failedChanged) && completions !== undefined && failedIndexes !== undefined) {
    const both = firstOverlap(completedIndexes, failedIndexes, completions);
    if (both !== undefined) errors.push(invalidValue(failedAt, failedIndexes, `failedIndexes and completedIndexes overlap at index: ${both}`));
  }
  return errors;
};

const successRules: Rule = (job, old) => {
  const met = isConditionTrue(job, 'SuccessCriteriaMet');
  const errors: FieldError[] = [];
  const { ready, active = 0 } = job.status ?? {};
  if (ready !== undefined && ready > active && (ready !== old.status?.ready || active !== (old.status?.active ?? 0))) {
    errors.push(invalidValue(at.child('ready'), ready, 'cannot set more ready pods than active'));
  }
  if (met && isJobFailed(job)) errors.push(invalidUnshown(conditionsAt, 'cannot set SuccessCriteriaMet=True and Failed=true conditions'));
  if (met && isConditionTrue(job, 'FailureTarget')) {
    errors.push(invalidUnshown(conditionsAt, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'));
  }
  if (job.spec.successPolicy && !met && isJobComplete(job)) {
    errors.push(invalidUnshown(conditionsAt, 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True'));
  }
  return errors;
};

const transitionRules: Rule = (job, old) => {
  const errors: FieldError[] = [];
  const { status = {} } = job;
  const before = old.status ?? {};
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    if (isConditionTrue(old, type) && !isConditionTrue(job, type)) {
      errors.push(invalidUnshown(conditionsAt, `cannot disable the terminal ${type}=True condition`));
    }
  }
  if ((status.failed ?? 0) < (before.failed ?? 0)) errors.push(invalidValue(at.child('failed'), status.failed ?? 0, 'cannot decrease the failed counter'));
  const scalable = job.spec.completionMode === 'Indexed' && job.spec.completions === job.spec.parallelism;
  if (!scalable && (status.succeeded ?? 0) < (before.succeeded ?? 0)) {
    errors.push(invalidValue(at.child('succeeded'), status.succeeded ?? 0, 'cannot decrease the succeeded counter'));
  }
  if (status.completionTime && before.completionTime && status.completionTime !== before.completionTime) {
    errors.push(invalidValue(at.child('completionTime'), status.completionTime, immutableMessage));
  }
  const resuming = isConditionTrue(old, 'Suspended') && isConditionFalse(job, 'Suspended');
  if (before.startTime && before.startTime !== status.startTime && !job.spec.suspend && !resuming) {
    errors.push(invalidValue(at.child('startTime'), status.startTime, 'field is immutable for unsuspended job once set'));
  }
  const met = isConditionTrue(job, 'SuccessCriteriaMet');
  const wasMet = isConditionTrue(old, 'SuccessCriteriaMet');
  if (wasMet && !met) errors.push(invalidUnshown(conditionsAt, 'cannot disable the SuccessCriteriaMet=True condition'));
  if (isJobComplete(old) && !wasMet && met) {
    errors.push(invalidUnshown(conditionsAt, 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'));
  }
  return errors;
};

const counts = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const;

export function validateJobStatusChange(job: Job, old: Job): FieldError[] {
  const { status = {} } = job;
  return [
    ...counts.flatMap((field) => validateNonNegative(status[field], at.child(field))),
    ...validateUncounted(status),
    ...[completionRules, reasonRules, finishedRules, indexRules, successRules, transitionRules].flatMap((rule) => rule(job, old)),
  ];
}
