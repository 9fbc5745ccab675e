import { humanAge } from '../../../apimachinery/duration.ts';
import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupportedInOrder, path, required } from '../../../apimachinery/fieldpath.ts';
import { formatLabelSelector } from '../../../apimachinery/selectors.ts';
import { validateEnum, validateNonNegative } from '../../../apimachinery/validation/common.ts';
import { nameWarnings } from '../../apps/v1/workload.ts';
import { ageColumn, containerColumns, countColumn, nameColumn, textColumn, wideColumn } from '../../columns.ts';
import { dropDisabledTemplateFields } from '../../core/v1/pod/create.ts';
import { podTemplateWarnings } from '../../core/v1/podtemplate/warnings.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { setJobTemplateDefaults } from './job/defaults.ts';
import { validateJobSpecBody } from './job/validation.ts';
import { jobSpecWarnings } from './job.ts';
import { isTimeZone, scheduleError } from './schedule.ts';
import type { CronJob, CronJobSpec } from './types.gen.ts';

/** Names of its Jobs get a dash and ten digits. */
const maxNameLength = 63 - 11;

function setCronJobDefaults({ spec }: CronJob): void {
  setJobTemplateDefaults(spec.jobTemplate.spec);
  spec.concurrencyPolicy ||= 'Allow';
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
}

function validateSchedule({ schedule, timeZone }: CronJobSpec, old: CronJobSpec | undefined, at: FieldPath): FieldError[] {
  if (!schedule) return [required(at)];
  const wrong = scheduleError(schedule);
  const errors = wrong === undefined ? [] : [invalidValue(at, schedule, wrong)];
  if (!schedule.includes('TZ')) return errors;
  if (!old?.schedule.includes('TZ')) errors.push(invalidValue(at, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  else if (timeZone !== undefined) errors.push(invalidValue(at, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'));
  return errors;
}

function validateTimeZone(zone: string | undefined, at: FieldPath): FieldError[] {
  if (zone === undefined) return [];
  if (zone === '') return [invalidValue(at, zone, 'timeZone must be nil or non-empty string')];
  const malformed = zone.split('/').some((part) => part === '.' || part === '..' || part.startsWith('-') || !/^[A-Za-z.\-_0-9+]{1,14}$/.test(part));
  if (malformed) return [invalidValue(at, zone, `unknown time zone ${zone}`)];
  if (zone.toLowerCase() === 'local') {
    return [invalidValue(at, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones')];
  }
  return isTimeZone(zone) ? [] : [invalidValue(at, zone, `unknown time zone ${zone}`)];
}

function validateSpec(spec: CronJobSpec, old: CronJobSpec | undefined): FieldError[] {
  const at = path('spec');
  const jobSpec = spec.jobTemplate.spec;
  const jobAt = at.child('jobTemplate', 'spec');
  const errors = [
    ...validateSchedule(spec, old, at.child('schedule')),
    ...validateNonNegative(spec.startingDeadlineSeconds, at.child('startingDeadlineSeconds')),
    ...(old && old.timeZone === spec.timeZone ? [] : validateTimeZone(spec.timeZone, at.child('timeZone'))),
    ...validateEnum(spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'], at.child('concurrencyPolicy')),
    ...validateJobSpecBody(jobSpec, old?.jobTemplate.spec, jobAt),
  ];
  if (jobSpec.selector) errors.push(invalidValue(jobAt.child('selector'), jobSpec.selector, '`selector` will be auto-generated'));
  if (jobSpec.manualSelector) errors.push(notSupportedInOrder(jobAt.child('manualSelector'), jobSpec.manualSelector, ['nil', 'false']));
  return [
    ...errors,
    ...validateNonNegative(spec.successfulJobsHistoryLimit, at.child('successfulJobsHistoryLimit')),
    ...validateNonNegative(spec.failedJobsHistoryLimit, at.child('failedJobsHistoryLimit')),
  ];
}

function validateCreate({ metadata, spec }: CronJob): FieldError[] {
  const errors = validateSpec(spec, undefined);
  if (metadata.name.length > maxNameLength) {
    errors.push(invalidValue(path('metadata', 'name'), metadata.name, `must be no more than ${maxNameLength} characters`));
  }
  return errors;
}

function warningsOf({ metadata, spec }: CronJob, old: CronJob | undefined): string[] {
  const warnings = [...(old ? [] : nameWarnings(metadata.name)), ...jobSpecWarnings(spec.jobTemplate.spec, 'spec.jobTemplate.spec')];
  if (old?.metadata.generation !== metadata.generation || !old) {
    warnings.push(...podTemplateWarnings(spec.jobTemplate.spec.template, path('spec', 'jobTemplate', 'spec', 'template')));
  }
  if (old && spec.schedule.includes('TZ')) {
    warnings.push(
      'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
    );
  }
  return warnings;
}

export const cronjobs = defineKind<CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  singular: 'cronjob',
  shortNames: ['cj'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.batch.v1.CronJob',
  hasGeneration: true,
  setDefaults: setCronJobDefaults,
  prepareForCreate(cronJob) {
    cronJob.status = {};
    dropDisabledTemplateFields(cronJob.spec.jobTemplate.spec.template);
  },
  prepareForUpdate: ({ spec }, old) => dropDisabledTemplateFields(spec.jobTemplate.spec.template, old.spec.jobTemplate.spec.template),
  validate: validateCreate,
  validateUpdate: ({ spec }, { spec: old }) => validateSpec(spec, old),
  warnings: warningsOf,
  columns: [
    nameColumn,
    textColumn('Schedule', ({ spec }) => spec.schedule),
    textColumn('Timezone', ({ spec }) => spec.timeZone ?? '<none>'),
    { name: 'Suspend', type: 'boolean', value: ({ spec }) => (spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False') },
    countColumn('Active', ({ status }) => status?.active?.length),
    textColumn('Last Schedule', ({ status }, now) => (status?.lastScheduleTime ? humanAge(status.lastScheduleTime, now) : '<none>')),
    ageColumn,
    ...containerColumns<CronJob>(({ spec }) => spec.jobTemplate.spec.template.spec?.containers),
    wideColumn('Selector', ({ spec }) => formatLabelSelector(spec.jobTemplate.spec.selector)),
  ],
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
