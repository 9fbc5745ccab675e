/**
 * The next moment at which clocks in a time zone show what a schedule asks for. Where clocks are put forward, times that they skip do
 * not come that day; where they are put back, times that they show twice come twice: as upstream's library (robfig/cron v3) has it.
 */
import type { CronFields } from '../../api/batch/v1/schedule.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
/** What has not come after that many years never does (the 30th of February). */
const maxYears = 5;

/** What the clocks there are ahead of UTC at a moment, in milliseconds. */
type Offset = (time: number) => number;

const offsets = new Map<string, Offset>();

function offsetIn(timeZone: string): Offset {
  if (timeZone === 'UTC' || timeZone === '') return () => 0;
  const known = offsets.get(timeZone);
  if (known) return known;
  const numeric = '2-digit' as const;
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  });
  const offset: Offset = (time) => {
    const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, Number(value)])) as Record<string, number>;
    const { year, month, day: date, hour, minute: minutes, second } = parts as Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', number>;
    return Date.UTC(year, month - 1, date, hour, minutes, second) - Math.floor(time / 1_000) * 1_000;
  };
  offsets.set(timeZone, offset);
  return offset;
}

/** `date`: midnight of a day, as if it were UTC. Where neither field says "any", one of them is enough. */
function isDay({ days, months, weekdays }: CronFields, date: number): boolean {
  const at = new Date(date);
  if (!months.values.includes(at.getUTCMonth() + 1)) return false;
  const inMonth = days.values.includes(at.getUTCDate());
  const inWeek = weekdays.values.includes(at.getUTCDay());
  return days.any || weekdays.any ? inMonth && inWeek : inMonth || inWeek;
}

/** The first moment of that day after `after` at which the clocks, being `ahead` of UTC, show one of the times. */
function firstOf({ hours, minutes }: CronFields, date: number, after: number, ahead: number, offset: Offset): number | undefined {
  for (const hour of hours.values) {
    for (const value of minutes.values) {
      const time = date + (hour * 60 + value) * minute - ahead;
      if (time > after && offset(time) === ahead) return time;
    }
  }
  return undefined;
}

/** Times in milliseconds since 1970; undefined when it never comes. */
export function nextTime(fields: CronFields, timeZone: string, after: number): number | undefined {
  const offset = offsetIn(timeZone);
  const today = Math.floor((after + offset(after)) / day) * day;
  for (let date = today; date < today + maxYears * 366 * day; date += day) {
    if (!isDay(fields, date)) continue;
    const ahead = new Set([offset(date - offset(date) - day / 2), offset(date - offset(date) + day), offset(date - offset(date) + 1.5 * day)]);
    const times = [...ahead].flatMap((one) => firstOf(fields, date, after, one, offset) ?? []);
    if (times.length > 0) return Math.min(...times);
  }
  return undefined;
}
