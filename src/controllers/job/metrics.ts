/** What is told of jobs, under upstream's names. */
import type { Job } from '../../api/batch/v1/types.gen.ts';
import { Counter, exponentialBounds, Histogram, metrics } from '../../apimachinery/metrics.ts';

const jobs = metrics.add(new Counter('job_controller_jobs_finished_total', 'Jobs that came to their end.', ['completion_mode', 'result', 'reason']));
const pods = metrics.add(new Counter('job_controller_job_pods_finished_total', 'Pods of jobs that were counted.', ['completion_mode', 'result']));
const sync = ['completion_mode', 'result', 'action'];
const syncs = metrics.add(new Counter('job_controller_job_syncs_total', 'Looks at jobs, by what was done.', sync));
const syncSeconds = metrics.add(
  new Histogram('job_controller_job_sync_duration_seconds', 'Time that looks at jobs took, by what was done.', exponentialBounds(0.004, 2, 15), sync),
);
const handled = metrics.add(
  new Counter('job_controller_pod_failures_handled_by_failure_policy_total', 'Failed pods that a rule of their policy was about, by what it says.', ['action']),
);

/** Upstream's names for what a look at a job did. */
export type SyncAction = 'reconciling' | 'tracking' | 'pods_created' | 'pods_deleted';

const modeOf = ({ spec }: Job): string => spec.completionMode ?? 'NonIndexed';

export function jobEnded(job: Job, succeeded: boolean, reason: string): void {
  jobs.add(1, modeOf(job), succeeded ? 'succeeded' : 'failed', reason);
}

export function podsCounted(job: Job, succeeded: number, failed: number): void {
  if (succeeded > 0) pods.add(succeeded, modeOf(job), 'succeeded');
  if (failed > 0) pods.add(failed, modeOf(job), 'failed');
}

/** Gives what is called at the end. */
export function syncBegan(job: Job): (succeeded: boolean, action: SyncAction) => void {
  const began = performance.now();
  return (succeeded, action) => {
    const labels = [modeOf(job), succeeded ? 'success' : 'error', action] as const;
    syncs.add(1, ...labels);
    syncSeconds.observe((performance.now() - began) / 1000, ...labels);
  };
}

/** `actions`: of the rule about each pod. */
export function failuresHandled(actions: readonly string[]): void {
  for (const action of actions) handled.add(1, action);
}
