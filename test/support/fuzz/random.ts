/** Random choices that a seed repeats. */

export interface Random {
  /** 0 (inclusive) to 1 (exclusive). */
  number(): number;
  /** 0 (inclusive) to `below` (exclusive). */
  below(below: number): number;
  /** One time in `times`. */
  oneIn(times: number): boolean;
  pick<T>(from: readonly T[]): T;
}

/** Mulberry32: small, quick, and the same everywhere. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const number = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(number() * limit);
  return { number, below, oneIn: (times) => below(times) === 0, pick: (from) => from[below(from.length)] as (typeof from)[number] };
}

/** The random choices of one request of a run: it can be made again by itself. */
export const randomAt = (seed: number, index: number): Random => randomOf(Math.imul(seed ^ Math.imul(index + 1, 0x9e3779b1), 0x85ebca6b));
