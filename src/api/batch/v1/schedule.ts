/** What a cron schedule says: five fields, or a descriptor. Rules and wording are those of upstream's parser (robfig/cron v3). */
import { parseDuration } from '../../../apimachinery/duration.ts';
import { quote } from '../../../apimachinery/fieldpath.ts';
import { own } from '../../../apimachinery/own.ts';

interface Bounds {
  min: number;
  max: number;
  names?: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const fields: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: days },
];
const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** The values of a field that are meant, in order. */
interface FieldValues {
  values: readonly number[];
  /** Every one was meant, by `*` or `?`. */
  any: boolean;
}

export interface CronFields {
  minutes: FieldValues;
  hours: FieldValues;
  days: FieldValues;
  months: FieldValues;
  weekdays: FieldValues;
}

export interface CronSchedule {
  /** As the schedule itself says. */
  timeZone?: string;
  /** Milliseconds from one time to the next. */
  every?: number;
  fields?: CronFields;
}

class ScheduleError extends Error {}

function parseNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new ScheduleError(`failed to parse int from ${text}: strconv.Atoi: parsing ${quote(text)}: invalid syntax`);
  const value = Number(text);
  if (value < 0) throw new ScheduleError(`negative number (${value}) not allowed: ${text}`);
  return value;
}

function parseValue(text: string, { min, names }: Bounds): number {
  const index = names?.indexOf(text.toLowerCase()) ?? -1;
  return index >= 0 ? index + min : parseNumber(text);
}

function addRange(expression: string, bounds: Bounds, found: Set<number>): boolean {
  const [range = '', step, ...more] = expression.split('/');
  const [low = '', high, ...rest] = range.split('-');
  const any = low === '*' || low === '?';
  let start = bounds.min;
  let end = bounds.max;
  if (!any) {
    start = parseValue(low, bounds);
    if (rest.length > 0) throw new ScheduleError(`too many hyphens: ${expression}`);
    end = high === undefined ? start : parseValue(high, bounds);
  }
  let by = 1;
  if (more.length > 0) throw new ScheduleError(`too many slashes: ${expression}`);
  if (step !== undefined) {
    by = parseNumber(step);
    if (high === undefined) end = bounds.max;
  }
  if (start < bounds.min) throw new ScheduleError(`beginning of range (${start}) below minimum (${bounds.min}): ${expression}`);
  if (end > bounds.max) throw new ScheduleError(`end of range (${end}) above maximum (${bounds.max}): ${expression}`);
  if (start > end) throw new ScheduleError(`beginning of range (${start}) beyond end of range (${end}): ${expression}`);
  if (by === 0) throw new ScheduleError(`step of range should be a positive number: ${expression}`);
  for (let value = start; value <= end; value += by) found.add(value);
  return any && by === 1;
}

function parseField(text: string, bounds: Bounds): FieldValues {
  const found = new Set<number>();
  let any = false;
  for (const expression of text.split(',')) if (expression !== '' && addRange(expression, bounds, found)) any = true;
  return { values: [...found].sort((a, b) => a - b), any };
}

function parseEvery(text: string): number {
  try {
    // Whole seconds, at least one.
    return Math.max(1_000, Math.floor(parseDuration(text.slice('@every '.length)) / 1_000) * 1_000);
  } catch (error) {
    throw new ScheduleError(`failed to parse duration ${text}: ${(error as Error).message}`);
  }
}

/** Throws for one that can't be understood. */
export function parseCron(schedule: string): CronSchedule {
  const [, zone, rest] = /^(?:CRON_)?TZ=(\S*)\s*(.*)$/.exec(schedule) ?? [];
  if (zone !== undefined && !isTimeZone(zone)) throw new ScheduleError(`provided bad location ${zone}: unknown time zone ${zone}`);
  const timeZone = zone === undefined ? {} : { timeZone: zone };
  let text = (zone === undefined ? schedule : (rest ?? '')).trim();
  if (text.startsWith('@')) {
    if (text.startsWith('@every ')) return { ...timeZone, every: parseEvery(text) };
    const known = own(descriptors, text);
    if (known === undefined) throw new ScheduleError(`unrecognized descriptor: ${text}`);
    text = known;
  }
  const parts = text === '' ? [] : text.split(/\s+/);
  if (parts.length !== fields.length) throw new ScheduleError(`expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`);
  const [minutes, hours, monthDays, ofYear, weekdays] = parts.map((part, index) => parseField(part, fields[index]!)) as [
    FieldValues,
    FieldValues,
    FieldValues,
    FieldValues,
    FieldValues,
  ];
  return { ...timeZone, fields: { minutes, hours, days: monthDays, months: ofYear, weekdays } };
}

/** What is wrong with a schedule; undefined when it can be understood. */
export function scheduleError(schedule: string): string | undefined {
  try {
    parseCron(schedule);
    return undefined;
  } catch (error) {
    if (error instanceof ScheduleError) return error.message;
    throw error;
  }
}

/** A name of the time zone database. */
export function isTimeZone(name: string): boolean {
  if (name === 'UTC' || name === '') return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return !/^[+-]/.test(name);
  } catch {
    return false;
  }
}
