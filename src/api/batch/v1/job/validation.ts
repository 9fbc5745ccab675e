/** What a Job must look like. Source of the rules: `pkg/apis/batch/validation`. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupported, notSupportedInOrder, path, required, tooLong } from '../../../../apimachinery/fieldpath.ts';
import { validateDnsLabel } from '../../../../apimachinery/names.ts';
import { hasInvalidLabelValue, validateLabelSelector } from '../../../../apimachinery/selectors.ts';
import { validateDomainPrefixedPath, validateNonNegative } from '../../../../apimachinery/validation/common.ts';
import { validateTemplate } from '../../../apps/v1/template.ts';
import { matcherOrUndefined } from '../../../apps/v1/workload.ts';
import { selectorValue } from '../../../internalvalue.ts';
import type { Job, JobSpec } from '../types.gen.ts';
import { controllerUidLabel, jobNameLabel, legacyControllerUidLabel, legacyJobNameLabel } from './labels.ts';
import { validateFailurePolicy, validateSuccessPolicy } from './policies.ts';

/** With indexes, so many pods may run, or fail, at the same time; the sets of indexes must stay small. */
const maxIndexed = 100_000;
const manyCompletions = 100_000;
const limitForMany = 10_000;

function validateIndexed(spec: JobSpec, at: FieldPath): FieldError[] {
  const { completions, parallelism, maxFailedIndexes, backoffLimitPerIndex } = spec;
  const errors: FieldError[] = [];
  const parallelismAt = at.child('parallelism');
  const failedAt = at.child('maxFailedIndexes');
  if (completions === undefined) errors.push(required(at.child('completions'), 'when completion mode is Indexed'));
  if (parallelism !== undefined && parallelism > maxIndexed) {
    errors.push(invalidValue(parallelismAt, parallelism, `must be less than or equal to ${maxIndexed} when completion mode is Indexed`));
  }
  if (maxFailedIndexes !== undefined) {
    if (completions !== undefined && maxFailedIndexes > completions) {
      errors.push(invalidValue(failedAt, maxFailedIndexes, 'must be less than or equal to completions'));
    }
    if (maxFailedIndexes > maxIndexed) errors.push(invalidValue(failedAt, maxFailedIndexes, `must be less than or equal to ${maxIndexed}`));
  }
  if (completions === undefined || completions <= manyCompletions || backoffLimitPerIndex === undefined) return errors;
  const rule = `must be less than or equal to ${limitForMany} when completions are above ${manyCompletions} and used with backoff limit per index`;
  if (maxFailedIndexes === undefined) errors.push(required(failedAt, `must be specified when completions is above ${manyCompletions}`));
  if (parallelism !== undefined && parallelism > limitForMany) errors.push(invalidValue(parallelismAt, parallelism, rule));
  if (maxFailedIndexes !== undefined && maxFailedIndexes > limitForMany) errors.push(invalidValue(failedAt, maxFailedIndexes, rule));
  return errors;
}

function validateCounts(spec: JobSpec, at: FieldPath): FieldError[] {
  const fields = [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const;
  const errors = fields.flatMap((field) => validateNonNegative(spec[field], at.child(field)));
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.push(required(at.child('backoffLimitPerIndex'), 'when maxFailedIndexes is specified'));
  }
  return errors;
}

function validateMode(spec: JobSpec, at: FieldPath): FieldError[] {
  const { completionMode = 'NonIndexed' } = spec;
  if (completionMode === 'Indexed') return validateIndexed(spec, at);
  if (completionMode !== 'NonIndexed') return [notSupportedInOrder(at.child('completionMode'), completionMode, ['NonIndexed', 'Indexed'])];
  return (['backoffLimitPerIndex', 'maxFailedIndexes'] as const).flatMap((field) =>
    spec[field] === undefined ? [] : [invalidValue(at.child(field), spec[field], 'requires indexed completion mode')],
  );
}

function validateReplacement({ podReplacementPolicy: policy, podFailurePolicy }: JobSpec, at: FieldPath): FieldError[] {
  const supported = podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  return policy === undefined || supported.includes(policy) ? [] : [notSupported(at, policy, supported)];
}

function validateRestartPolicy({ template, podFailurePolicy }: JobSpec, at: FieldPath): FieldError[] {
  const policy = template.spec?.restartPolicy ?? '';
  if (policy === 'Always' || policy === '') return [required(at, 'valid values: "OnFailure", "Never"')];
  if (policy !== 'OnFailure' && policy !== 'Never') return [notSupportedInOrder(at, policy, ['OnFailure', 'Never'])];
  return podFailurePolicy && policy !== 'Never' ? [invalidValue(at, policy, 'only "Never" is supported when podFailurePolicy is specified')] : [];
}

/** Everything but the selector: also of the Job in a CronJob's template. */
export function validateJobSpecBody(spec: JobSpec, old: JobSpec | undefined, at: FieldPath): FieldError[] {
  const { managedBy } = spec;
  return [
    ...validateCounts(spec, at),
    ...(managedBy === undefined ? [] : validateDomainPrefixedPath(managedBy, at.child('managedBy'))),
    ...(managedBy !== undefined && managedBy.length > 63 ? [tooLong(at.child('managedBy'), 63)] : []),
    ...validateMode(spec, at),
    ...(spec.podFailurePolicy ? validateFailurePolicy(spec, at.child('podFailurePolicy')) : []),
    ...validateSuccessPolicy(spec, at.child('successPolicy')),
    ...validateReplacement(spec, at.child('podReplacementPolicy')),
    ...validateTemplate(spec.template, old?.template, at.child('template')),
    ...validateRestartPolicy(spec, at.child('template', 'spec', 'restartPolicy')),
  ];
}

export function validateSelector({ selector, template }: JobSpec, old: JobSpec | undefined, at: FieldPath): FieldError[] {
  const options = { allowInvalidLabelValueInSelector: hasInvalidLabelValue(old?.selector) };
  const errors = selector ? validateLabelSelector(selector, options, at.child('selector')) : [required(at.child('selector'))];
  const labels = template.metadata?.labels;
  if (matcherOrUndefined(selector)?.matches(labels) === false) {
    errors.push(invalidValue(at.child('template', 'metadata', 'labels'), labels, '`selector` does not match template `labels`'));
  }
  return errors;
}

const sortedLabels = (labels: Record<string, string>): object => Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The generated selector must still find the pods of this Job, and of no other. */
function validateGeneratedSelector({ metadata, spec }: Job, prefixed: boolean): FieldError[] {
  const matcher = matcherOrUndefined(spec.selector);
  if (spec.manualSelector || !spec.selector) return [];
  const { name, uid = '' } = metadata;
  const expected: Record<string, string> = { [legacyControllerUidLabel]: uid, [legacyJobNameLabel]: name };
  if (prefixed) Object.assign(expected, { [controllerUidLabel]: uid, [jobNameLabel]: name });
  const labels = spec.template.metadata?.labels ?? {};
  const errors = uid === '' ? [required(path('metadata', 'uid'))] : [];
  for (const [key, value] of Object.entries(expected)) {
    const at = path('spec', 'template', 'metadata', 'labels').key(key);
    if (labels[key] === undefined) errors.push(required(at, `must be '${value}'`));
    else if (labels[key] !== value) errors.push(invalidValue(at, sortedLabels(labels), `must be '${value}'`));
  }
  if (matcher && !matcher.matches(expected)) errors.push(invalidValue(path('spec', 'selector'), selectorValue(spec.selector), '`selector` not auto-generated'));
  return errors;
}

/** Pods of an indexed Job have the index in their host names. */
function validateHostnames({ metadata, spec }: Job): FieldError[] {
  const { completionMode, completions = 0 } = spec;
  if (completionMode !== 'Indexed' || completions <= 0) return [];
  const longest = `${metadata.name}-${completions - 1}`;
  if (validateDnsLabel(longest).length === 0) return [];
  return [invalidValue(path('metadata', 'name'), metadata.name, `will not able to create pod with invalid DNS label: ${longest}`)];
}

/** `old` is the Job that stands, on an update. */
export function validateJob(job: Job, old: Job | undefined): FieldError[] {
  const at = path('spec');
  const oldLabels = old?.spec.template.metadata?.labels ?? {};
  const prefixed = old === undefined || (jobNameLabel in oldLabels && controllerUidLabel in oldLabels);
  return [
    ...validateGeneratedSelector(job, prefixed),
    ...validateJobSpecBody(job.spec, old?.spec, at),
    ...validateSelector(job.spec, old?.spec, at),
    ...validateHostnames(job),
  ];
}
