/** Whether a cron schedule can be understood: five fields, or a descriptor. Wording is that of upstream's parser (robfig/cron v3). */
import { parseDuration } from '../../../apimachinery/duration.ts';
import { quote } from '../../../apimachinery/fieldpath.ts';

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
const descriptors = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

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

function checkRange(expression: string, bounds: Bounds): void {
  const [range = '', step, ...more] = expression.split('/');
  const [low = '', high, ...rest] = range.split('-');
  let start = bounds.min;
  let end = bounds.max;
  if (low !== '*' && low !== '?') {
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
}

function check(schedule: string): void {
  const [, zone, rest] = /^(?:CRON_)?TZ=(\S*)\s*(.*)$/.exec(schedule) ?? [];
  if (zone !== undefined && !isTimeZone(zone)) throw new ScheduleError(`provided bad location ${zone}: unknown time zone ${zone}`);
  const text = (zone === undefined ? schedule : (rest ?? '')).trim();
  if (text.startsWith('@')) {
    if (descriptors.includes(text)) return;
    if (!text.startsWith('@every ')) throw new ScheduleError(`unrecognized descriptor: ${text}`);
    try {
      parseDuration(text.slice('@every '.length));
    } catch (error) {
      throw new ScheduleError(`failed to parse duration ${text}: ${(error as Error).message}`);
    }
    return;
  }
  const parts = text === '' ? [] : text.split(/\s+/);
  if (parts.length !== fields.length) throw new ScheduleError(`expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`);
  parts.forEach((part, index) => {
    for (const expression of part.split(',')) if (expression !== '') checkRange(expression, fields[index] as Bounds);
  });
}

/** What is wrong with a schedule; undefined when it can be understood. */
export function scheduleError(schedule: string): string | undefined {
  try {
    check(schedule);
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
