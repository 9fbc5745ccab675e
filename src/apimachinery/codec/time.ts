/**
 * Times of the API: RFC 3339 text ↔ seconds and nanoseconds since the epoch.
 * `metav1.Time` has whole seconds, `metav1.MicroTime` microseconds; both are written in UTC.
 */

export interface Instant {
  /** Since 1970-01-01T00:00:00Z. */
  seconds: number;
  nanos: number;
}

const shape = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/;
const daysOfMonth = (year: number, month: number): number => new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();

/** Go's zero time, which counts as no time at all. */
export const zeroTimeSeconds = -62135596800;

/** Undefined for what is no RFC 3339 time. */
export function parseTime(text: string): Instant | undefined {
  const match = shape.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  if (month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month) || hour > 23 || minute > 59 || second > 59) return undefined;
  const zone = match[8] as string;
  const offset = zone === 'Z' ? 0 : (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute - offset, second);
  return { seconds: date.getTime() / 1000, nanos: Number((match[7] ?? '').padEnd(9, '0')) };
}

/** `2026-01-02T03:04:05Z` */
export function formatTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, -5)}Z`;
}

/** `2026-01-02T03:04:05.000006Z` */
export function formatMicroTime({ seconds, nanos }: Instant): string {
  const micros = Math.floor(nanos / 1000)
    .toString()
    .padStart(6, '0');
  return `${new Date(seconds * 1000).toISOString().slice(0, -5)}.${micros}Z`;
}
