/** Durations: as kubectl shows an age, and as Go writes them (`metav1.Duration`). */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

const two = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit}${small}${smallUnit}`;

/** Two or three significant figures of a duration, as in the AGE column. Source: apimachinery `util/duration`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / second);
  // Clocks may differ by a second.
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds + 0}s`;
  const minutes = Math.trunc(milliseconds / minute);
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(milliseconds / hour);
  const days = Math.trunc(hours / 24);
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (hours < 24 * 8) return two(days, 'd', hours % 24, 'h');
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.trunc(days / 365);
  if (hours < 24 * 365 * 8) return two(years, 'y', days % 365, 'd');
  return `${years}y`;
}

/** The time since, as in the AGE column; `<unknown>` for an absent time. */
export const humanAge = (since: string | undefined, now: Date): string => (since ? humanDuration(now.getTime() - Date.parse(since)) : '<unknown>');

const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: second, m: minute, h: hour };
const part = /([0-9]*\.?[0-9]*)(ns|us|µs|μs|ms|s|m|h)/y;

/** Reads a Go duration such as `1h2m3.5s`, in milliseconds. Throws with Go's message. */
export function parseDuration(text: string): number {
  const invalid = () => new Error(`time: invalid duration ${JSON.stringify(text)}`);
  const sign = text.startsWith('-') ? -1 : 1;
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === '0') return 0;
  if (body === '') throw invalid();
  let total = 0;
  for (part.lastIndex = 0; part.lastIndex < body.length; ) {
    const match = part.exec(body);
    if (!match) {
      throw /^[0-9.]*[0-9][0-9.]*$/.test(body) ? new Error(`time: missing unit in duration ${JSON.stringify(text)}`) : invalid();
    }
    const number = match[1]!;
    if (number === '' || number === '.') throw invalid();
    total += Number(number) * units[match[2]!]!;
  }
  return sign * total;
}

/** Writes milliseconds as Go does: `1h2m3.5s`, `1.5ms`, `0s`. */
export function formatDuration(milliseconds: number): string {
  const nanoseconds = BigInt(Math.round(milliseconds * 1e6));
  if (nanoseconds === 0n) return '0s';
  const sign = nanoseconds < 0n ? '-' : '';
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const fraction = (amount: bigint, digits: number): string => {
    const unit = 10n ** BigInt(digits);
    const rest = (amount % unit).toString().padStart(digits, '0').replace(/0+$/, '');
    return digits === 0 || rest === '' ? `${amount / unit}` : `${amount / unit}.${rest}`;
  };
  if (size < 1_000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${fraction(size, 3)}µs`;
  if (size < 1_000_000_000n) return `${sign}${fraction(size, 6)}ms`;
  const minutes = size / 60_000_000_000n;
  const seconds = `${fraction(size % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return `${sign}${seconds}`;
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}
