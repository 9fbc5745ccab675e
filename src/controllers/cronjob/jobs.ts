/** The Jobs of a CronJob: made from its template under a name that says when, and cleaned up. */
import { cronjobs } from '../../api/batch/v1/cronjob.ts';
import { isJobComplete, isJobFailed } from '../../api/batch/v1/job/conditions.ts';
import type { CronJob, Job } from '../../api/batch/v1/types.gen.ts';
import { controllerReference } from '../common/ownership.ts';

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

/** The same minute gives the same name, so that no start happens twice. */
export const jobName = ({ metadata }: CronJob, time: number): string => `${metadata.name}-${Math.floor(time / 60_000)}`;

/** RFC 3339 in the zone: `2026-03-01T08:00:00+01:00`. */
export function zonedTime(time: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  const local = format.format(time).replace(' ', 'T');
  const minutes = Math.round((Date.parse(`${local}Z`) - Math.floor(time / 1_000) * 1_000) / 60_000);
  if (minutes === 0) return `${local}Z`;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${local}${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}

export function jobFor(cronJob: CronJob, time: number): Job {
  const { jobTemplate, timeZone } = cronJob.spec;
  return {
    metadata: {
      name: jobName(cronJob, time),
      namespace: cronJob.metadata.namespace,
      labels: { ...jobTemplate.metadata?.labels },
      annotations: { ...jobTemplate.metadata?.annotations, [scheduledAnnotation]: zonedTime(time, timeZone || 'UTC') },
      ownerReferences: [controllerReference(cronJob, cronjobs)],
    },
    spec: structuredClone(jobTemplate.spec),
  };
}

const byStart = (a: Job, b: Job): number => {
  const [one, two] = [a.status?.startTime, b.status?.startTime];
  if (one === two) return a.metadata.name < b.metadata.name ? -1 : 1;
  if (one === undefined || two === undefined) return one === undefined ? 1 : -1;
  return one < two ? -1 : 1;
};

/** Finished ones beyond the limits of history, the oldest. */
export function outdated({ spec }: CronJob, jobs: readonly Job[]): Job[] {
  const beyond = (list: Job[], limit: number | undefined): Job[] => (limit === undefined ? [] : list.sort(byStart).slice(0, Math.max(0, list.length - limit)));
  return [...beyond(jobs.filter(isJobComplete), spec.successfulJobsHistoryLimit), ...beyond(jobs.filter(isJobFailed), spec.failedJobsHistoryLimit)];
}
