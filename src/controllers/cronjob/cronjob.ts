/** `cronjob-controller`: starts a Job at each time of a schedule. */
import { cronjobs } from '../../api/batch/v1/cronjob.ts';
import { isJobComplete, isJobFinished } from '../../api/batch/v1/job/conditions.ts';
import { jobs as jobKind } from '../../api/batch/v1/job.ts';
import { isTimeZone } from '../../api/batch/v1/schedule.ts';
import type { CronJob, CronJobStatus, Job } from '../../api/batch/v1/types.gen.ts';
import { semanticEqual } from '../../apimachinery/equality.ts';
import { isAlreadyExists, isNotFound } from '../../apimachinery/errors.ts';
import { keyOf, timeOf } from '../../apimachinery/meta.ts';
import { exponentialBounds, Histogram, metrics } from '../../apimachinery/metrics.ts';
import { createFreshness } from '../common/freshness.ts';
import { createOwnedLister, isControlledBy, watchOwned } from '../common/ownership.ts';
import { isNamespaceTerminating } from '../common/podcontrol.ts';
import { type ControllerContext, defineController, type Enqueue, enqueueSelf, type ReconcileResult, type RunningController } from '../controller.ts';
import { jobFor, jobName, outdated } from './jobs.ts';
import { dueTime, parseSchedule, type Schedule, untilNext } from './schedule.ts';

const creationSkew = metrics.add(
  new Histogram('cronjob_controller_job_creation_skew_duration_seconds', 'Time from when a job was to be made until it was made.', exponentialBounds(1, 2, 10)),
);

export const cronJobController = defineController({ name: 'cronjob-controller', setup });

const staleMs = 20;

function setup({ client, informers, events, now }: ControllerContext, enqueue: Enqueue): RunningController {
  const cronJobs = informers.informer(cronjobs);
  const jobs = informers.informer(jobKind);
  const owned = createOwnedLister(jobs);
  const cronJobClient = client.resource(cronjobs);
  const jobClient = client.resource(jobKind);
  const fresh = createFreshness();

  enqueueSelf(cronJobs, enqueue, keyOf);
  cronJobs.addHandlers({ deleted: (cronJob) => fresh.forget(keyOf(cronJob)) });
  watchOwned({ owners: cronJobs, children: jobs, selects: () => false, enqueue });

  const drop = (status: CronJobStatus, uid: string | undefined): void => {
    status.active = (status.active ?? []).filter((reference) => reference.uid !== uid);
  };

  /** False when it could not be deleted; an event tells of it. */
  async function deleteJob(cronJob: CronJob, status: CronJobStatus, job: Job): Promise<boolean> {
    try {
      await jobClient.delete(job.metadata.namespace ?? '', job.metadata.name, { propagationPolicy: 'Background' });
    } catch (error) {
      events.event(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${(error as Error).message}`);
      return false;
    }
    drop(status, job.metadata.uid);
    events.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
    return true;
  }

  /** Brings the list of active jobs up to date with the jobs there are. */
  async function takeStock(cronJob: CronJob, status: CronJobStatus, own: readonly Job[]): Promise<void> {
    for (const job of own) {
      const { uid, name } = job.metadata;
      const isActive = status.active?.some((reference) => reference.uid === uid) ?? false;
      if (!isJobFinished(job)) {
        if (!isActive) events.event(cronJob, 'Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${name}`);
        continue;
      }
      if (isActive) {
        drop(status, uid);
        events.event(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${isJobComplete(job) ? 'Complete' : 'Failed'}`);
      }
      const { completionTime } = job.status ?? {};
      if (isJobComplete(job) && completionTime && completionTime > (status.lastSuccessfulTime ?? '')) status.lastSuccessfulTime = completionTime;
    }
    const uids = new Set(own.map(({ metadata }) => metadata.uid));
    for (const { uid, name = '', namespace = '' } of status.active ?? []) {
      if (uids.has(uid)) continue;
      try {
        await jobClient.get(namespace, name);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        events.event(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${name}`);
        drop(status, uid);
      }
    }
  }

  /** Undefined for one that is suspended, or can't be understood. */
  function scheduleOf(cronJob: CronJob): Schedule | undefined {
    const { schedule, timeZone, suspend } = cronJob.spec;
    if (timeZone !== undefined && !isTimeZone(timeZone)) {
      events.event(cronJob, 'Warning', 'UnknownTimeZone', `invalid timeZone: "${timeZone}": unknown time zone ${timeZone}`);
      return undefined;
    }
    if (suspend) return undefined;
    if (schedule.includes('TZ')) {
      const message = `CRON_TZ or TZ used in schedule "${schedule}" is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details`;
      events.event(cronJob, 'Warning', 'UnsupportedSchedule', message);
    }
    try {
      return parseSchedule(schedule, timeZone);
    } catch (error) {
      events.event(cronJob, 'Warning', 'UnparseableSchedule', `unparseable schedule: "${schedule}" : ${(error as Error).message}`);
      return undefined;
    }
  }

  /** The time to start at now, if there is one. */
  function startTime(cronJob: CronJob, status: CronJobStatus, schedule: Schedule, time: number): number | undefined {
    let due: ReturnType<typeof dueTime>;
    try {
      due = dueTime({ ...cronJob, status }, schedule, time, true);
    } catch (error) {
      events.event(cronJob, 'Warning', 'InvalidSchedule', `invalid schedule: ${cronJob.spec.schedule} : ${(error as Error).message}`);
      return undefined;
    }
    if (due.time === undefined) return undefined;
    if (due.missed === 'many') {
      events.event(cronJob, 'Warning', 'TooManyMissedTimes', 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew');
    }
    const { startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec;
    if (startingDeadlineSeconds !== undefined && due.time + startingDeadlineSeconds * 1_000 < time) {
      events.event(cronJob, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${new Date(due.time).toUTCString().replace('GMT', '+0000')}`);
      return undefined;
    }
    const done = status.active?.some(({ name }) => name === jobName(cronJob, due.time!)) || status.lastScheduleTime === timeOf(new Date(due.time));
    if (done) return undefined;
    if (concurrencyPolicy === 'Forbid' && (status.active?.length ?? 0) > 0) {
      events.event(cronJob, 'Normal', 'JobAlreadyActive', 'Not starting job because prior execution is running and concurrency policy is Forbid');
      return undefined;
    }
    return due.time;
  }

  async function create(cronJob: CronJob, status: CronJobStatus, time: number): Promise<Job | undefined> {
    const wanted = jobFor(cronJob, time);
    try {
      const created = await jobClient.create(wanted);
      creationSkew.observe((Date.parse(created.metadata.creationTimestamp ?? '') - time) / 1000);
      events.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${created.metadata.name}`);
      return created;
    } catch (error) {
      if (isAlreadyExists(error)) {
        const existing = await jobClient.get(wanted.metadata.namespace ?? '', wanted.metadata.name);
        const known = status.active?.some(({ uid }) => uid === existing.metadata.uid) ?? false;
        return isControlledBy(existing, cronJob) && !known ? existing : undefined;
      }
      if (!isNamespaceTerminating(error)) events.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${(error as Error).message}`);
      throw error;
    }
  }

  async function start(cronJob: CronJob, status: CronJobStatus, time: number): Promise<void> {
    if (cronJob.spec.concurrencyPolicy === 'Replace') {
      for (const { name = '', namespace = '' } of [...(status.active ?? [])]) {
        const job = await jobClient.get(namespace, name);
        if (!(await deleteJob(cronJob, status, job))) throw new Error(`could not replace job ${namespace}/${name}`);
      }
    }
    const job = await create(cronJob, status, time);
    if (!job) return;
    const { name, namespace, uid, resourceVersion } = job.metadata;
    status.active = [...(status.active ?? []), { apiVersion: 'batch/v1', kind: 'Job', namespace, name, uid, resourceVersion }];
    status.lastScheduleTime = timeOf(new Date(time));
  }

  async function act(cronJob: CronJob, status: CronJobStatus, own: readonly Job[]): Promise<ReconcileResult> {
    for (const job of outdated(cronJob, own)) await deleteJob(cronJob, status, job);
    await takeStock(cronJob, status, own);
    if (cronJob.metadata.deletionTimestamp) return undefined;
    const schedule = scheduleOf(cronJob);
    if (!schedule) return undefined;
    const time = now().getTime();
    const due = startTime(cronJob, status, schedule, time);
    if (due !== undefined) await start(cronJob, status, due);
    const wait = untilNext({ ...cronJob, status }, schedule, time);
    return wait === undefined ? undefined : { requeueAfterMs: wait };
  }

  return {
    async reconcile(key) {
      const cronJob = cronJobs.getByKey(key);
      if (!cronJob) return undefined;
      // An older status would not show what was started already.
      if (fresh.isStale(key, cronJob)) return { requeueAfterMs: staleMs };
      const status: CronJobStatus = structuredClone(cronJob.status ?? {});
      try {
        return await act(cronJob, status, owned.ownedBy(cronJob));
      } finally {
        if (status.active?.length === 0) delete status.active;
        if (!semanticEqual(status, cronJob.status ?? {})) fresh.wrote(key, await cronJobClient.updateStatus({ ...cronJob, status }));
      }
    },
  };
}
