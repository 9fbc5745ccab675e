/** That Jobs have counted every pod once, and CronJobs started every Job once. */
import type { CronJob, Job } from '../../../src/api/batch/v1/types.gen.ts';
import type { Pod } from '../../../src/api/core/v1/types.gen.ts';
import { controllerOf } from '../../../src/apimachinery/meta.ts';
import { compare, ownedBy } from './compare.ts';
import type { Everything } from './everything.ts';
import { exitCode } from './objects.ts';
import type { Wanted } from './workload.ts';

const tracking = 'batch.kubernetes.io/job-tracking';
const indexOf = ({ metadata }: Pod): number => Number(metadata.annotations?.['batch.kubernetes.io/job-completion-index']);
const condition = ({ status }: Job, type: string): boolean => status?.conditions?.some((one) => one.type === type && one.status === 'True') ?? false;
/** `0-3,5` as numbers. */
const numbers = (text = ''): number[] =>
  text
    .split(',')
    .filter(Boolean)
    .flatMap((range) => {
      const [from = 0, to = from] = range.split('-').map(Number);
      return Array.from({ length: to - from + 1 }, (_, offset) => from + offset);
    });

export function jobFindings(cluster: Everything, { namespace, jobs: wanted, cronjobs }: Wanted): string[] {
  const there = cluster.of<Job>('Job', namespace);
  const pods = cluster.of<Pod>('Pod', namespace);
  const lost = [...wanted.values()].filter(
    ({ metadata, spec }) => spec.ttlSecondsAfterFinished === undefined && !there.some((one) => one.metadata.name === metadata.name),
  );
  const surplus = there.filter((one) => !controllerOf(one) && !wanted.has(one.metadata.name));
  return [
    ...lost.map(({ metadata }) => `Job ${namespace}/${metadata.name} is gone`),
    ...surplus.map(({ metadata }) => `Job ${namespace}/${metadata.name} is still there`),
    ...there.flatMap((one) => [
      ...(one.spec.ttlSecondsAfterFinished === undefined ? [] : [`Job ${namespace}/${one.metadata.name} outlives its time`]),
      ...countFindings(one, ownedBy(pods, one)),
    ]),
    ...cluster.of<CronJob>('CronJob', namespace).flatMap((one) => cronFindings(one, ownedBy(there, one), cronjobs)),
  ];
}

function countFindings(job: Job, own: readonly Pod[]): string[] {
  const { completions = 1, completionMode, backoffLimitPerIndex, template } = job.spec;
  const fails = template.metadata?.annotations?.[exitCode] !== undefined;
  const perIndex = backoffLimitPerIndex !== undefined;
  const indexes = Array.from({ length: completions }, (_, index) => index);
  const succeeded = own.filter(({ status }) => status?.phase === 'Succeeded');
  const failed = own.filter(({ status }) => status?.phase === 'Failed');
  const { status = {} } = job;
  const expected = { succeeded: fails ? 0 : completions, failed: fails ? (perIndex ? completions : 1) : 0 };
  return compare(job, {
    complete: [condition(job, 'Complete'), !fails],
    failed: [condition(job, 'Failed'), fails],
    'counted as succeeded': [status.succeeded ?? 0, expected.succeeded],
    'counted as failed': [status.failed ?? 0, expected.failed],
    'pods that succeeded': [succeeded.length, expected.succeeded],
    'pods that failed': [failed.length, expected.failed],
    pods: [own.length, expected.succeeded + expected.failed],
    active: [status.active ?? 0, 0],
    'pods with the finalizer': [own.filter(({ metadata }) => metadata.finalizers?.includes(tracking)).length, 0],
    uncounted: [[...(status.uncountedTerminatedPods?.succeeded ?? []), ...(status.uncountedTerminatedPods?.failed ?? [])], []],
    ...(completionMode === 'Indexed'
      ? {
          'indexes of its pods': [own.map(indexOf).sort((a, b) => a - b), indexes],
          'completed indexes': [numbers(status.completedIndexes), fails ? [] : indexes],
          ...(perIndex ? { 'failed indexes': [numbers(status.failedIndexes), fails ? indexes : []] } : {}),
        }
      : {}),
  });
}

/** Each minute at most once; what is finished is not called active. */
function cronFindings(cron: CronJob, own: readonly Job[], wanted: ReadonlyMap<string, CronJob>): string[] {
  const times = own.map(({ metadata }) => metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp']);
  return compare(cron, {
    wanted: [wanted.has(cron.metadata.name), true],
    'jobs of one minute': [new Set(times).size, own.length],
    'active jobs': [cron.status?.active ?? [], []],
    'at most two jobs kept': [own.length <= 2, true],
  });
}
