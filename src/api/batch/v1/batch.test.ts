import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Any, changeProblems, created, problems } from '../../testing/validate.ts';
import { cronjobs } from './cronjob.ts';
import { countIndexes, firstOverlap, indexesError, parseIndexes } from './job/indexes.ts';
import { jobs } from './job.ts';
import { scheduleError } from './schedule.ts';

const template = { metadata: { labels: { app: 'x' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox:1' }] } };
const job = (spec: object = {}): Record<string, unknown> => ({ metadata: { name: 'pi', namespace: 'default' }, spec: { template, ...spec } });

test('a Job runs one pod once, and finds its pods by labels of its own', () => {
  const { spec, metadata } = created(jobs, job());
  const { completions, parallelism, backoffLimit, completionMode, suspend, podReplacementPolicy } = spec;
  assert.deepEqual(
    [completions, parallelism, backoffLimit, completionMode, suspend, podReplacementPolicy],
    [1, 1, 6, 'NonIndexed', false, 'TerminatingOrFailed'],
  );
  assert.deepEqual(spec.selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': metadata.uid } });
  assert.equal(spec.template.metadata.labels['batch.kubernetes.io/job-name'], 'pi');
  assert.equal(spec.template.metadata.labels['job-name'], 'pi');
  assert.deepEqual(metadata.labels, spec.template.metadata.labels);
  assert.deepEqual(problems(jobs, job()), []);
  assert.equal(created(jobs, job({ parallelism: 3 })).spec.completions, undefined);
});

test('pods of a Job end', () => {
  const always = { ...template, spec: { ...template.spec, restartPolicy: 'Always' } };
  assert.deepEqual(problems(jobs, job({ template: always })), ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"']);
});

test('indexes need to be counted', () => {
  assert.deepEqual(problems(jobs, job({ completionMode: 'Indexed', parallelism: 2 })), ['spec.completions: Required value: when completion mode is Indexed']);
  assert.deepEqual(problems(jobs, job({ backoffLimitPerIndex: 1 })), ['spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode']);
  assert.deepEqual(problems(jobs, job({ successPolicy: { rules: [{ succeededCount: 1 }] } })), [
    'spec.successPolicy: Invalid value: {"Rules":[{"SucceededIndexes":null,"SucceededCount":1}]}: requires indexed completion mode',
  ]);
});

test('rules of a failure policy name what they are about', () => {
  const rules = [{ action: 'FailJob' }, { action: 'Nope', onExitCodes: { operator: 'In', values: [3, 0], containerName: 'who' } }];
  assert.deepEqual(problems(jobs, job({ podFailurePolicy: { rules } })), [
    'spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
    'spec.podFailurePolicy.rules[1].action: Unsupported value: "Nope": supported values: "Count", "FailIndex", "FailJob", "Ignore"',
    'spec.podFailurePolicy.rules[1].onExitCodes.containerName: Invalid value: "who": must be one of the container or initContainer names in the pod template',
    'spec.podFailurePolicy.rules[1].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator',
    'spec.podFailurePolicy.rules[1].onExitCodes.values: Invalid value: [3,0]: must be ordered',
  ]);
});

test('a Job that runs keeps its template; one that is suspended may be told where to go and what to ask for', () => {
  const elsewhere = (object: Any): void => {
    object.spec.template.spec.nodeSelector = { disk: 'ssd' };
    object.spec.template.spec.containers[0].resources = { requests: { cpu: '1' }, limits: { cpu: '1' } };
  };
  assert.match(changeProblems(jobs, job(), elsewhere)[0] ?? '', /^spec\.template: Invalid value: .*: field is immutable$/);
  assert.deepEqual(changeProblems(jobs, job({ suspend: true }), elsewhere), []);
  const image = (object: Any): void => {
    object.spec.template.spec.containers[0].image = 'other:1';
  };
  assert.match(changeProblems(jobs, job({ suspend: true }), image)[0] ?? '', /^spec\.template\.spec: Invalid value: .*: field is immutable$/);
  assert.deepEqual(
    changeProblems(jobs, job(), (object) => {
      object.spec.parallelism = 4;
    }),
    [],
  );
});

test('a status says when and why a Job ended', () => {
  const done = [{ type: 'Complete', status: 'True' }];
  const report = (status: object) => (object: Any) => {
    object['status'] = status;
  };
  assert.deepEqual(changeProblems(jobs, job(), report({ conditions: done, active: 1 }), 'status').sort(), [
    'status.active: Invalid value: 1: active>0 is invalid for finished job',
    'status.completionTime: Required value: completionTime is required for Complete jobs',
    'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
    'status.startTime: Required value: startTime is required for finished job',
  ]);
  const [startTime, completionTime] = ['2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z'];
  const conditions = [{ type: 'SuccessCriteriaMet', status: 'True' }, ...done];
  assert.deepEqual(changeProblems(jobs, job(), report({ conditions, startTime, completionTime, succeeded: 1 }), 'status'), []);
});

test('sets of indexes are read and compared', () => {
  assert.equal(countIndexes(parseIndexes('1,3-5', 10)), 4);
  assert.equal(indexesError('1,1', 10), 'non-increasing order, previous: 1, current: 1');
  assert.equal(indexesError('12', 10), 'too large index: "12"');
  assert.equal(indexesError('a', 10), 'cannot convert string to integer for index: "a"');
  assert.equal(firstOverlap('1-4', '3,7', 10), 3);
  assert.equal(firstOverlap('1-2', '3', 10), undefined);
});

test('schedules are those of cron', () => {
  for (const good of ['*/5 * * * *', '0 0 1 jan mon-fri', '@daily', '@every 1h30m', '0 12 ? * SUN', '1-10/2,30 * * * *']) {
    assert.equal(scheduleError(good), undefined, good);
  }
  assert.equal(scheduleError('* * * *'), 'expected exactly 5 fields, found 4: [* * * *]');
  assert.equal(scheduleError('61 * * * *'), 'end of range (61) above maximum (59): 61');
  assert.equal(scheduleError('@sometimes'), 'unrecognized descriptor: @sometimes');
});

test('a CronJob has a schedule, perhaps a time zone, and a name that leaves room', () => {
  const cron = (spec: object = {}, name = 'c'): Record<string, unknown> => ({
    metadata: { name, namespace: 'default' },
    spec: { schedule: '* * * * *', jobTemplate: { spec: { template } }, ...spec },
  });
  assert.deepEqual(problems(cronjobs, cron()), []);
  const { spec } = created(cronjobs, cron());
  assert.deepEqual([spec.concurrencyPolicy, spec.suspend, spec.successfulJobsHistoryLimit, spec.failedJobsHistoryLimit], ['Allow', false, 3, 1]);
  assert.deepEqual(problems(cronjobs, cron({ timeZone: 'Europe/Nowhere' })), [
    'spec.timeZone: Invalid value: "Europe/Nowhere": unknown time zone Europe/Nowhere',
  ]);
  assert.deepEqual(problems(cronjobs, cron({ schedule: 'TZ=UTC * * * * *' })), [
    'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
  ]);
  const long = 'a'.repeat(53);
  assert.deepEqual(problems(cronjobs, cron({}, long)), [`metadata.name: Invalid value: "${long}": must be no more than 52 characters`]);
});
