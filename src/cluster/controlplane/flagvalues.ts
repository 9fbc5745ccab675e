/** Values of flags as what they mean. */
import { parseDuration } from '../../apimachinery/duration.ts';
import { UserError } from '../config.ts';
import type { ApiServerFlag, ApiServerFlags } from './apiserverflags.ts';

/** Each gives undefined for a flag that was not given, and throws a `UserError` for what it can't be. */
export function flagReader(flags: ApiServerFlags) {
  /** What was said last. */
  const text = (name: ApiServerFlag): string | undefined => flags[name]?.at(-1);
  const wrong = (name: ApiServerFlag, value: string, what: string): UserError => new UserError(`--${name}: '${value}' is no ${what}`, 2);
  return {
    flags,
    text,
    texts: (name: ApiServerFlag): readonly string[] | undefined => flags[name],
    list: (name: ApiServerFlag): string[] | undefined =>
      flags[name]?.flatMap((one) =>
        one
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== ''),
      ),
    /** Milliseconds. */
    duration(name: ApiServerFlag): number | undefined {
      const value = text(name);
      if (value === undefined) return undefined;
      try {
        const milliseconds = parseDuration(value);
        if (milliseconds >= 0) return milliseconds;
      } catch {
        // Said below, with the flag.
      }
      throw wrong(name, value, 'duration; write 90s, 2m or 1h30m');
    },
    count(name: ApiServerFlag): number | undefined {
      const value = text(name);
      if (value === undefined) return undefined;
      const number = Number(value);
      if (!/^\d+$/.test(value) || !Number.isSafeInteger(number)) throw wrong(name, value, 'whole number');
      return number;
    },
    toggle(name: ApiServerFlag): boolean | undefined {
      const value = text(name);
      if (value === undefined) return undefined;
      if (value !== 'true' && value !== 'false') throw wrong(name, value, 'true or false');
      return value === 'true';
    },
    oneOf<T extends string>(name: ApiServerFlag, allowed: readonly T[]): T | undefined {
      const value = text(name);
      if (value === undefined) return undefined;
      const found = allowed.find((one) => one === value);
      if (found === undefined) throw new UserError(`--${name}: '${value}' is none of ${allowed.join(', ')}`, 2);
      return found;
    },
  };
}
