import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cronjobs } from '../../../src/api/batch/v1/cronjob.ts';
import { jobs as jobKind } from '../../../src/api/batch/v1/job.ts';
import type { CronJob, CronJobSpec, Job } from '../../../src/api/batch/v1/types.gen.ts';
import type { ObjectReference } from '../../../src/api/core/v1/types.gen.ts';
import { timeOf } from '../../../src/apimachinery/meta.ts';
import { cronJobController } from '../../../src/controllers/cronjob/cronjob.ts';
import { zonedTime } from '../../../src/controllers/cronjob/jobs.ts';
import { dueTime, parseSchedule, untilNext } from '../../../src/controllers/cronjob/schedule.ts';
import { ttlAfterFinishedController } from '../../../src/controllers/ttlafterfinished.ts';
import { type Cluster, eventually, startCluster } from './harness.ts';

const jobSpec = { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work' }] } } };
const cronJob = (spec: Partial<CronJobSpec> = {}): CronJob => ({
  metadata: { name: 'tick', namespace: 'default' },
  spec: { schedule: '* * * * *', jobTemplate: { metadata: { labels: { from: 'cron' } }, spec: jobSpec }, ...spec },
});
const jobs = async (cluster: Cluster): Promise<Job[]> => (await cluster.client.resource(jobKind).list('default')).items;

/** Stands in the middle of a minute, so that nothing more comes due while a test runs. */
const moment = Math.floor(Date.now() / 60_000) * 60_000 + 30_000;
const startCronJobs = (): Promise<Cluster> => startCluster({ controllers: [cronJobController], now: () => new Date(moment) });

/** As if the schedule had been due some minutes ago; with a job that still runs, if it is named. */
async function overdue(cluster: Cluster, spec: Partial<CronJobSpec>, running?: string): Promise<CronJob> {
  const client = cluster.client.resource(cronjobs);
  const created = await client.create(cronJob({ ...spec, suspend: true }));
  const lastScheduleTime = timeOf(new Date(moment - 5 * 60_000));
  const active = running === undefined ? undefined : [await runningJob(cluster, created, running)];
  await client.updateStatus({ ...created, status: { lastScheduleTime, ...(active ? { active } : {}) } });
  return client.patch('default', 'tick', 'merge', { spec: { suspend: false } });
}

async function runningJob(cluster: Cluster, { metadata }: CronJob, name: string): Promise<ObjectReference> {
  const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'CronJob', name: metadata.name, uid: metadata.uid!, controller: true }];
  const job = await cluster.client.resource(jobKind).create({ metadata: { name, namespace: 'default', ownerReferences }, spec: jobSpec });
  return { apiVersion: 'batch/v1', kind: 'Job', namespace: 'default', name, uid: job.metadata.uid };
}

async function finish(cluster: Cluster, job: Job, type = 'Complete'): Promise<void> {
  const time = timeOf(new Date());
  const criteria = type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
  const conditions = [criteria, type].map((one) => ({ type: one, status: 'True', lastTransitionTime: time }));
  await cluster.client
    .resource(jobKind)
    .updateStatus({ ...job, status: { startTime: time, ...(type === 'Complete' ? { completionTime: time } : {}), conditions } });
}

test('a job that is due is started once, and noted until it has finished', async () => {
  await using cluster = await startCronJobs();
  const client = cluster.client.resource(cronjobs);
  const created = await overdue(cluster, {});
  const [job] = await eventually(async () => {
    const found = await jobs(cluster);
    return found.length === 1 && found;
  }, 'a job');
  // The job is there before the status tells of it.
  const minute = await eventually(async () => {
    const { status } = await client.get('default', 'tick');
    return status?.active && Math.floor(Date.parse(status.lastScheduleTime ?? '') / 60_000);
  }, 'the reference');
  assert.equal(minute, Math.floor(moment / 60_000));
  assert.equal(job?.metadata.name, `tick-${minute}`);
  assert.equal(job?.metadata.labels?.['from'], 'cron');
  assert.equal(job?.metadata.ownerReferences?.[0]?.uid, created.metadata.uid);
  assert.equal(job?.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'], timeOf(new Date(minute * 60_000)));
  assert.equal((await client.get('default', 'tick')).status?.active?.[0]?.uid, job?.metadata.uid);
  await finish(cluster, job!);
  const done = await eventually(async () => {
    const found = await client.get('default', 'tick');
    return !found.status?.active?.length && found;
  }, 'the reference to go');
  assert.ok(done.status?.lastSuccessfulTime);
  await eventually(
    async () => (await cluster.events('tick')).some((text) => text === `SawCompletedJob Saw completed job: tick-${minute}, condition: Complete`),
    'the event',
  );
});

test('Forbid starts nothing beside a running job', async () => {
  await using cluster = await startCronJobs();
  await overdue(cluster, { concurrencyPolicy: 'Forbid' }, 'tick-1');
  await eventually(async () => (await cluster.events('tick')).some((text) => text.startsWith('JobAlreadyActive')), 'the event');
  assert.deepEqual(
    (await jobs(cluster)).map(({ metadata }) => metadata.name),
    ['tick-1'],
  );
});

test('Replace puts the new job in the place of the running one', async () => {
  await using cluster = await startCronJobs();
  await overdue(cluster, { concurrencyPolicy: 'Replace' }, 'tick-1');
  await eventually(async () => {
    const found = await jobs(cluster);
    return found.length === 1 && found[0]?.metadata.name !== 'tick-1';
  }, 'the replacement');
  await eventually(async () => (await cluster.client.resource(cronjobs).get('default', 'tick')).status?.active?.length === 1, 'the reference');
});

test('finished jobs beyond the history limits are deleted, the oldest first', async () => {
  await using cluster = await startCronJobs();
  const created = await cluster.client.resource(cronjobs).create(cronJob({ suspend: true, successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 }));
  const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', uid: created.metadata.uid!, controller: true }];
  for (const [name, type] of [
    ['a', 'Complete'],
    ['b', 'Complete'],
    ['c', 'Failed'],
  ] as const) {
    await finish(cluster, await cluster.client.resource(jobKind).create({ metadata: { name, namespace: 'default', ownerReferences }, spec: jobSpec }), type);
  }
  await eventually(async () => (await jobs(cluster)).map(({ metadata }) => metadata.name).join() === 'b', 'the others to go');
});

test('a finished job goes when its time is up', async () => {
  await using cluster = await startCluster({ controllers: [ttlAfterFinishedController] });
  const client = cluster.client.resource(jobKind);
  await finish(cluster, await client.create({ metadata: { name: 'short', namespace: 'default' }, spec: { ...jobSpec, ttlSecondsAfterFinished: 1 } }));
  await finish(cluster, await client.create({ metadata: { name: 'kept', namespace: 'default' }, spec: jobSpec }));
  await eventually(async () => (await jobs(cluster)).every(({ metadata }) => metadata.name === 'kept' || metadata.deletionTimestamp), 'the job to go');
});

test('times of a schedule: what is due, what was missed, in which zone', () => {
  const at = (text: string): number => Date.parse(text);
  const since = (text: string, spec: Partial<CronJobSpec> = {}): CronJob => ({ ...cronJob(spec), metadata: { name: 'tick', creationTimestamp: text } });
  const hourly = parseSchedule('0 * * * *', undefined);
  assert.deepEqual(dueTime(since('2026-01-01T10:30:00Z'), hourly, at('2026-01-01T10:59:00Z'), true).time, undefined);
  assert.deepEqual(dueTime(since('2026-01-01T10:30:00Z'), hourly, at('2026-01-01T11:59:00Z'), true).time, at('2026-01-01T11:00:00Z'));
  assert.deepEqual(dueTime(since('2026-01-01T10:30:00Z'), hourly, at('2026-01-01T20:59:00Z'), true), {
    time: at('2026-01-01T20:00:00Z'),
    earliest: at('2026-01-01T10:30:00Z'),
    missed: 'few',
  });
  assert.equal(dueTime(since('2020-01-01T10:30:00Z'), hourly, at('2026-01-01T20:59:00Z'), true).missed, 'many');
  assert.equal(dueTime(since('2020-01-01T10:30:00Z', { startingDeadlineSeconds: 60 }), hourly, at('2026-01-01T20:59:00Z'), true).time, undefined);
  assert.throws(() => dueTime(since('2026-01-01T10:30:00Z'), parseSchedule('59 23 31 2 *', undefined), at('2026-01-02T00:00:00Z'), true));
  assert.equal(untilNext(since('2026-01-01T10:30:00Z'), hourly, at('2026-01-01T10:59:00Z')), 60_100);
  assert.equal(parseSchedule('0 8 * * *', 'Europe/Berlin')(at('2026-07-01T00:00:00Z')), at('2026-07-01T06:00:00Z'));
  assert.equal(parseSchedule('5/20 * * * ?', undefined)(at('2026-07-01T00:30:00Z')), at('2026-07-01T00:45:00Z'));
  assert.equal(parseSchedule('@every 90s', undefined)(at('2026-07-01T00:00:00Z')), at('2026-07-01T00:01:30Z'));
  assert.equal(zonedTime(at('2026-07-01T06:00:00Z'), 'Asia/Kolkata'), '2026-07-01T11:30:00+05:30');
});
