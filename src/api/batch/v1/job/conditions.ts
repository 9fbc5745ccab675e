/** How far a Job is. */
import type { Job } from '../types.gen.ts';

export const isConditionTrue = ({ status }: Job, type: string): boolean =>
  (status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');

export const isConditionFalse = ({ status }: Job, type: string): boolean =>
  (status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'False');

export const isJobComplete = (job: Job): boolean => isConditionTrue(job, 'Complete');
export const isJobFailed = (job: Job): boolean => isConditionTrue(job, 'Failed');
export const isJobFinished = (job: Job): boolean => isJobComplete(job) || isJobFailed(job);
