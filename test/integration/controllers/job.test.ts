import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { jobs as jobKind } from '../../../src/api/batch/v1/job.ts';
import type { Job, JobSpec } from '../../../src/api/batch/v1/types.gen.ts';
import type { Pod } from '../../../src/api/core/v1/types.gen.ts';
import { timeOf } from '../../../src/apimachinery/meta.ts';
import { metrics } from '../../../src/apimachinery/metrics.ts';
import { addFailures, noFailures, remainingBackoff } from '../../../src/controllers/job/backoff.ts';
import { formatIndexes, freeIndexes, parseIndexes } from '../../../src/controllers/job/indexes.ts';
import { jobController } from '../../../src/controllers/job/job.ts';
import { type Cluster, eventually, runningStatus, startCluster } from './harness.ts';

const controllers = [jobController];
const job = (spec: Partial<JobSpec> = {}): Job => ({
  metadata: { name: 'work', namespace: 'default' },
  spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work' }] } }, ...spec },
});

const succeed = (): Pod['status'] => ({ phase: 'Succeeded', containerStatuses: [ended(0)] });
/** Long ago, so that nothing waits for its backoff. */
const ended = (exitCode: number) => ({
  name: 'main',
  image: 'work',
  imageID: '',
  ready: false,
  restartCount: 0,
  state: { terminated: { exitCode, finishedAt: '2020-01-01T00:00:00Z' } },
});
const fail = (exitCode = 1): Pod['status'] => ({ phase: 'Failed', containerStatuses: [ended(exitCode)] });

const get = (cluster: Cluster): Promise<Job> => cluster.client.resource(jobKind).get('default', 'work');
const finished = (cluster: Cluster, type: string): Promise<Job> =>
  eventually(async () => {
    const found = await get(cluster);
    return found.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') && found;
  }, `the job to be ${type}`);
const conditions = ({ status }: Job): string[] => (status?.conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason}`);
const indexOf = (pod: Pod): string | undefined => pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'];

test('a job runs its pods, counts them and is complete', async () => {
  await using cluster = await startCluster({ controllers, kubelet: succeed });
  await cluster.client.resource(jobKind).create(job({ completions: 30, parallelism: 4 }));
  const done = await finished(cluster, 'Complete');
  assert.equal(done.status?.succeeded, 30);
  assert.ok(done.status?.completionTime && done.status.startTime);
  assert.deepEqual(done.status?.uncountedTerminatedPods ?? {}, {});
  assert.deepEqual(conditions(done), ['SuccessCriteriaMet True CompletionsReached', 'Complete True CompletionsReached']);
  const pods = await cluster.pods();
  assert.equal(pods.length, 30);
  assert.ok(pods.every((pod) => pod.metadata.finalizers === undefined));
  assert.equal(done.status?.active ?? 0, 0);
  const told = metrics.text();
  for (const action of ['pods_created', 'tracking']) {
    const labels = `{completion_mode="NonIndexed",result="success",action="${action}"}`;
    assert.ok(told.includes(`\njob_controller_job_syncs_total${labels} `), `syncs, ${action}`);
    assert.ok(told.includes(`\njob_controller_job_sync_duration_seconds_count${labels} `), `their duration, ${action}`);
  }
});

test('failed pods are replaced until the limit, then the job has failed', async () => {
  await using cluster = await startCluster({ controllers, kubelet: () => fail() });
  await cluster.client.resource(jobKind).create(job({ completions: 1, parallelism: 1, backoffLimit: 2 }));
  const done = await finished(cluster, 'Failed');
  assert.deepEqual(conditions(done), ['FailureTarget True BackoffLimitExceeded', 'Failed True BackoffLimitExceeded']);
  assert.equal(done.status?.failed, 3);
  await eventually(async () => (await cluster.events('work')).includes('BackoffLimitExceeded Job has reached the specified backoff limit'), 'the event');
});

test('an Indexed job runs each index until it succeeds, and the pods know theirs', async () => {
  const failedOnce = new Set<string>();
  await using cluster = await startCluster({
    controllers,
    kubelet(pod) {
      const index = indexOf(pod)!;
      if (index === '1' && !failedOnce.has(index)) {
        failedOnce.add(index);
        return fail();
      }
      return succeed();
    },
  });
  await cluster.client.resource(jobKind).create(job({ completions: 4, parallelism: 2, completionMode: 'Indexed' }));
  const done = await finished(cluster, 'Complete');
  assert.equal(done.status?.completedIndexes, '0-3');
  await eventually(async () => (await cluster.events('work')).includes('Completed Job completed'), 'the event');
  assert.equal(done.status?.succeeded, 4);
  assert.equal(done.status?.failed, 1);
  const [pod] = await cluster.pods();
  const index = indexOf(pod!)!;
  assert.equal(pod?.spec.hostname, `work-${index}`);
  assert.equal(pod?.metadata.labels?.['batch.kubernetes.io/job-completion-index'], index);
  assert.match(pod?.metadata.name ?? '', new RegExp(`^work-${index}-[a-z0-9]{5}$`));
  assert.ok(pod?.spec.containers[0]?.env?.some(({ name }) => name === 'JOB_COMPLETION_INDEX'));
});

test('with a limit per index, an index that fails too often fails alone, and the job in the end', async () => {
  await using cluster = await startCluster({ controllers, kubelet: (pod) => (indexOf(pod) === '2' ? fail() : succeed()) });
  await cluster.client.resource(jobKind).create(job({ completions: 4, parallelism: 4, completionMode: 'Indexed', backoffLimitPerIndex: 1 }));
  const done = await finished(cluster, 'Failed');
  assert.deepEqual([done.status?.completedIndexes, done.status?.failedIndexes], ['0,1,3', '2']);
  assert.ok(conditions(done).includes('Failed True FailedIndexes'));
  assert.equal(done.status?.failed, 2);
});

test('a success policy ends the job early', async () => {
  await using cluster = await startCluster({ controllers, kubelet: (pod) => (indexOf(pod) === '0' ? succeed() : runningStatus()) });
  await cluster.client
    .resource(jobKind)
    .create(job({ completions: 3, parallelism: 3, completionMode: 'Indexed', successPolicy: { rules: [{ succeededIndexes: '0' }] } }));
  const done = await finished(cluster, 'Complete');
  assert.deepEqual(conditions(done), ['SuccessCriteriaMet True SuccessPolicy', 'Complete True SuccessPolicy']);
  assert.equal(done.status?.completedIndexes, '0');
});

describe('a failure policy', () => {
  test('fails the job at once for some exit codes', async () => {
    await using cluster = await startCluster({ controllers, kubelet: () => fail(42) });
    await cluster.client.resource(jobKind).create(
      job({
        completions: 2,
        parallelism: 1,
        podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] },
      }),
    );
    const done = await finished(cluster, 'Failed');
    const failed = done.status?.conditions?.find(({ type }) => type === 'Failed');
    assert.equal(failed?.reason, 'PodFailurePolicy');
    assert.match(failed?.message ?? '', /^Container main for pod default\/work-\w+ failed with exit code 42 matching FailJob rule at index 0$/);
  });

  test('does not count what it ignores', async () => {
    let left = 3;
    await using cluster = await startCluster({ controllers, kubelet: () => (left-- > 0 ? fail(7) : succeed()) });
    await cluster.client.resource(jobKind).create(
      job({
        completions: 1,
        parallelism: 1,
        backoffLimit: 0,
        podFailurePolicy: { rules: [{ action: 'Ignore', onExitCodes: { operator: 'In', values: [7] } }] },
      }),
    );
    const done = await finished(cluster, 'Complete');
    assert.equal(done.status?.failed ?? 0, 0);
    assert.equal((await cluster.pods()).length, 4);
  });
});

test('a suspended job has no pods, and goes on when it is resumed', async () => {
  await using cluster = await startCluster({ controllers });
  const client = cluster.client.resource(jobKind);
  await client.create(job({ completions: 2, parallelism: 2 }));
  await eventually(async () => (await get(cluster)).status?.ready === 2, 'two pods');
  await client.patch('default', 'work', 'merge', { spec: { suspend: true } });
  await eventually(async () => (await cluster.pods()).length === 0, 'the pods to go');
  const suspended = await eventually(async () => {
    const found = await get(cluster);
    return conditions(found).includes('Suspended True JobSuspended') && (found.status?.active ?? 0) === 0 && found;
  }, 'the condition');
  assert.equal(suspended.status?.failed ?? 0, 0);
  assert.equal(suspended.status?.startTime, undefined);
  await client.patch('default', 'work', 'merge', { spec: { suspend: false } });
  await eventually(async () => (await get(cluster)).status?.ready === 2, 'two pods again');
  assert.ok(conditions(await get(cluster)).includes('Suspended False JobResumed'));
});

test('a job that takes too long fails', async () => {
  await using cluster = await startCluster({ controllers });
  await cluster.client.resource(jobKind).create(job({ completions: 1, parallelism: 1, activeDeadlineSeconds: 1 }));
  const done = await finished(cluster, 'Failed');
  assert.ok(conditions(done).includes('Failed True DeadlineExceeded'));
  await eventually(async () => (await cluster.pods()).length === 0, 'the pod to go');
});

test('pods of a job that is gone are not kept by its finalizer', async () => {
  await using cluster = await startCluster({ controllers });
  const client = cluster.client.resource(jobKind);
  await client.create(job({ completions: 2, parallelism: 2 }));
  await eventually(async () => (await get(cluster)).status?.ready === 2, 'two pods');
  await client.delete('default', 'work', { propagationPolicy: 'Background' });
  await eventually(async () => (await cluster.pods()).every((pod) => pod.metadata.finalizers === undefined), 'the finalizers to go');
});

test('failures are replaced after 10 s, then twice as long, and a success ends the count', () => {
  const at = (seconds: number): string => timeOf(new Date(seconds * 1_000));
  const pod = (seconds: number): Pod => ({
    metadata: { name: 'p' },
    spec: { containers: [] },
    status: { containerStatuses: [{ ...ended(1), state: { terminated: { exitCode: 1, finishedAt: at(seconds) } } }] },
  });
  const two = addFailures(noFailures, [], [pod(100), pod(110)]);
  assert.deepEqual(two, { count: 2, last: 110_000 });
  assert.equal(remainingBackoff(two, 115_000), 15_000);
  assert.deepEqual(addFailures(two, [pod(120)], [pod(119), pod(121)]), { count: 1, last: 121_000 });
  assert.deepEqual(addFailures(two, [pod(120)], []), noFailures);
  assert.equal(remainingBackoff({ count: 50, last: 0 }, 0), 600_000);
});

test('indexes are read, written and filled up', () => {
  assert.equal(formatIndexes(parseIndexes('5,0-1,2,9-12', 11)), '0-2,5,9,10');
  assert.deepEqual(freeIndexes(parseIndexes('0,2-3', 10), 3, 6), [1, 4, 5]);
  assert.deepEqual(freeIndexes([], 5, 2), [0, 1]);
});
