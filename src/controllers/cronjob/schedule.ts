/** When a CronJob is due. Times in milliseconds since 1970. Source of the rules: upstream's `cronjob/utils.go`. */
import { parseCron } from '../../api/batch/v1/schedule.ts';
import type { CronJob } from '../../api/batch/v1/types.gen.ts';
import { nextTime } from './times.ts';

/** The next time after `after`; undefined when it never comes. */
export type Schedule = (after: number) => number | undefined;

/** Throws when it can't be read. A time zone in the schedule itself comes first. */
export function parseSchedule(text: string, timeZone: string | undefined): Schedule {
  const { timeZone: own, every, fields } = parseCron(text);
  if (fields) return (after) => nextTime(fields, own ?? timeZone ?? 'UTC', after);
  return (after) => Math.floor(after / 1_000) * 1_000 + (every ?? 0);
}

export interface Due {
  /** The latest time that has come and was not acted on. */
  time?: number;
  earliest: number;
  missed: 'none' | 'few' | 'many';
}

/** More than this many missed starts are worth a warning: a clock may be wrong. */
const manyMissed = 100;

/** `deadline`: what is older than `startingDeadlineSeconds` does not count. Throws for a schedule that can never be. */
export function dueTime({ metadata, spec, status }: CronJob, schedule: Schedule, now: number, deadline: boolean): Due {
  let earliest = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp ?? '');
  if (deadline && spec.startingDeadlineSeconds !== undefined) earliest = Math.max(earliest, now - spec.startingDeadlineSeconds * 1_000);
  const first = schedule(earliest);
  const second = first === undefined ? undefined : schedule(first);
  if (first === undefined || second === undefined) throw new Error('time difference between two schedules is less than 1 second');
  if (now < first) return { earliest, missed: 'none' };
  if (now < second) return { time: first, earliest, missed: 'none' };
  const interval = second - first;
  const missed = Math.floor((now - first) / interval) + 1;
  // Near the end first: a controller that was down for a year need not count its minutes.
  let time: number | undefined;
  for (let next = schedule(first + (missed - 2) * interval); next !== undefined && next <= now; next = schedule(next)) time = next;
  return { ...(time === undefined ? {} : { time }), earliest, missed: missed > manyMissed ? 'many' : 'few' };
}

/** A little later than due, so that clocks that differ by less do no harm. */
const delta = 100;

/** Milliseconds until the next look. */
export function untilNext(cronJob: CronJob, schedule: Schedule, now: number): number | undefined {
  let from = now;
  try {
    const { time, earliest, missed } = dueTime(cronJob, schedule, now, false);
    from = time ?? (missed === 'none' ? earliest : now);
  } catch {
    // Nothing is due; the slot after now is looked at again.
  }
  const next = schedule(from);
  return next === undefined ? undefined : Math.max(0, next + delta - now);
}
