import { humanDuration } from '../../../apimachinery/duration.ts';
import { path } from '../../../apimachinery/fieldpath.ts';
import { validateLabelValue } from '../../../apimachinery/names.ts';
import { formatLabelSelector } from '../../../apimachinery/selectors.ts';
import { nameWarnings } from '../../apps/v1/workload.ts';
import { ageColumn, containerColumns, nameColumn, textColumn, wideColumn } from '../../columns.ts';
import { dropDisabledTemplateFields } from '../../core/v1/pod/create.ts';
import { podTemplateWarnings } from '../../core/v1/podtemplate/warnings.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { isConditionTrue } from './job/conditions.ts';
import { generateSelector, setJobDefaults } from './job/defaults.ts';
import { validateJobStatusChange } from './job/status.ts';
import { validateJobChange } from './job/update.ts';
import { validateJob } from './job/validation.ts';
import type { Job, JobSpec } from './types.gen.ts';

function completionsCell({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const { parallelism = 0 } = spec;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function statusCell(job: Job): string {
  if (isConditionTrue(job, 'Complete')) return 'Complete';
  if (isConditionTrue(job, 'Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find((type) => isConditionTrue(job, type)) ?? 'Running';
}

function durationCell({ status }: Job, now: Date): string {
  if (!status?.startTime) return '';
  const end = status.completionTime ? Date.parse(status.completionTime) : now.getTime();
  return humanDuration(end - Date.parse(status.startTime));
}

/** `at` is the path of the spec, as the warning shows it. */
export function jobSpecWarnings({ completionMode, completions = 0, parallelism = 0 }: JobSpec, at: string): string[] {
  if (completionMode !== 'Indexed' || completions <= 100_000 || parallelism <= 10_000) return [];
  return [
    `${at}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`,
  ];
}

export const jobs = defineKind<Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  singular: 'job',
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.batch.v1.Job',
  garbageCollection: 'orphan',
  orphanWarning:
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  hasGeneration: true,
  setDefaults: setJobDefaults,
  prepareForCreate(job) {
    generateSelector(job);
    // Upstream copies them when the stored object is read; a name that is no label is refused before that.
    const { labels } = job.spec.template.metadata ?? {};
    if (labels && Object.keys(job.metadata.labels ?? {}).length === 0 && validateLabelValue(job.metadata.name).length === 0)
      job.metadata.labels = { ...labels };
    job.status = {};
    dropDisabledTemplateFields(job.spec.template);
  },
  prepareForUpdate: ({ spec }, old) => dropDisabledTemplateFields(spec.template, old.spec.template),
  validate: (job) => validateJob(job, undefined),
  validateUpdate: (job, old) => [...validateJob(job, old), ...validateJobChange(job, old)],
  warnings: ({ metadata, spec }, old) => [
    ...(old ? [] : nameWarnings(metadata.name)),
    ...jobSpecWarnings(spec, 'spec'),
    ...(old?.metadata.generation === metadata.generation ? [] : podTemplateWarnings(spec.template, path('spec', 'template'))),
  ],
  selectableFields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  columns: [
    nameColumn,
    textColumn('Status', statusCell),
    textColumn('Completions', completionsCell),
    textColumn('Duration', durationCell),
    ageColumn,
    ...containerColumns<Job>(({ spec }) => spec.template.spec?.containers),
    wideColumn('Selector', ({ spec }) => formatLabelSelector(spec.selector)),
  ],
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'], validateUpdate: validateJobStatusChange },
  },
});
