import assert from 'node:assert/strict';
import test from 'node:test';
import { parseSchedule } from './schedule.ts';

/** The next times after a moment, as UTC has them. */
function next(count: number, after: string, schedule: string, timeZone?: string): string[] {
  const times: string[] = [];
  for (let time: number | undefined = Date.parse(after); times.length < count; ) {
    time = parseSchedule(schedule, timeZone)(time);
    if (time === undefined) return [...times, 'never'];
    times.push(new Date(time).toISOString().slice(0, 16));
  }
  return times;
}

const newYork = 'America/New_York';

test('times that clocks skip do not come that day', () => {
  const before = '2012-03-11T00:00:00-05:00';
  assert.deepEqual(next(2, before, '30 2 * * *', newYork), ['2012-03-12T06:30', '2012-03-13T06:30']);
  assert.deepEqual(next(1, before, '30 2 11 Mar ?', newYork), ['2013-03-11T06:30']);
  assert.deepEqual(next(3, before, '0 * * * ?', newYork), ['2012-03-11T06:00', '2012-03-11T07:00', '2012-03-11T08:00']);
  assert.deepEqual(next(2, before, '0 3 * * *', newYork), ['2012-03-11T07:00', '2012-03-12T07:00']);
  // In a year in which midnight itself was skipped.
  assert.deepEqual(next(2, '2018-11-03T12:00:00-03:00', '0 0 * * *', 'America/Sao_Paulo'), ['2018-11-05T02:00', '2018-11-06T02:00']);
});

test('times that clocks show twice come twice', () => {
  const before = '2012-11-04T00:00:00-04:00';
  assert.deepEqual(next(3, before, '30 1 * * *', newYork), ['2012-11-04T05:30', '2012-11-04T06:30', '2012-11-05T06:30']);
  assert.deepEqual(next(1, '2012-11-04T01:45:00-04:00', '30 1 * * *', newYork), ['2012-11-04T06:30']);
  assert.deepEqual(next(2, before, '0 2 * * *', newYork), ['2012-11-04T07:00', '2012-11-05T07:00']);
  assert.deepEqual(next(3, before, '0 * * * *', newYork), ['2012-11-04T05:00', '2012-11-04T06:00', '2012-11-04T07:00']);
});

test('days by month and by week: both where one of them is any, else either', () => {
  const after = '2026-01-31T00:00:00Z';
  assert.deepEqual(next(2, after, '0 0 * * 1'), ['2026-02-02T00:00', '2026-02-09T00:00']);
  assert.deepEqual(next(3, after, '0 0 3 * 1'), ['2026-02-02T00:00', '2026-02-03T00:00', '2026-02-09T00:00']);
  assert.deepEqual(next(3, after, '0 0 */2 * 1'), ['2026-02-01T00:00', '2026-02-02T00:00', '2026-02-03T00:00']);
  assert.deepEqual(next(1, after, '0 0 30 2 *'), ['never']);
  assert.deepEqual(next(1, after, '59 23 29 2 *'), ['2028-02-29T23:59']);
});

test('fields and descriptors', () => {
  const after = '2026-01-31T00:00:00Z';
  assert.deepEqual(next(4, after, '5/20 1-5/2 * * MON-fri'), ['2026-02-02T01:05', '2026-02-02T01:25', '2026-02-02T01:45', '2026-02-02T03:05']);
  assert.deepEqual(next(2, after, '@weekly'), ['2026-02-01T00:00', '2026-02-08T00:00']);
  assert.deepEqual(next(1, after, '@yearly'), ['2027-01-01T00:00']);
  assert.deepEqual(next(2, '2026-01-31T00:10:30.5Z', '@every 90m'), ['2026-01-31T01:40', '2026-01-31T03:10']);
  assert.deepEqual(next(1, after, '0 9 * * *', 'Asia/Kolkata'), ['2026-01-31T03:30']);
  assert.deepEqual(next(1, after, 'TZ=Asia/Tokyo 0 10 * * *', 'Asia/Kolkata'), ['2026-01-31T01:00']);
  for (const wrong of ['* * * * * *', '0 0 L * *', '0 0 * * 1#2', '0 0 * * 7', '@reboot']) assert.throws(() => parseSchedule(wrong, undefined), wrong);
});
