/** What is told of jobs, under upstream's names. */
import type { Job } from '../../api/batch/v1/types.gen.ts';
import { Counter, metrics } from '../../apimachinery/metrics.ts';

const jobs = metrics.add(new Counter('job_controller_jobs_finished_total', 'Jobs that came to their end.', ['completion_mode', 'result', 'reason']));
const pods = metrics.add(new Counter('job_controller_job_pods_finished_total', 'Pods of jobs that were counted.', ['completion_mode', 'result']));

const modeOf = ({ spec }: Job): string => spec.completionMode ?? 'NonIndexed';

export function jobEnded(job: Job, succeeded: boolean, reason: string): void {
  jobs.add(1, modeOf(job), succeeded ? 'succeeded' : 'failed', reason);
}

export function podsCounted(job: Job, succeeded: number, failed: number): void {
  if (succeeded > 0) pods.add(succeeded, modeOf(job), 'succeeded');
  if (failed > 0) pods.add(failed, modeOf(job), 'failed');
}
