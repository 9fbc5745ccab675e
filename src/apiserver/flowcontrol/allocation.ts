/** Divides seats among levels in proportion to what they want, within the bounds of each. */

export interface Claim {
  low: number;
  high: number;
  /** At least `low`. */
  target: number;
}

/** A target of nothing counts as this much, so that proportions are defined. */
const leastTarget = 0.001;

/**
 * Gives each claim `proportion * target`, cut to its bounds, with the one proportion for which they add up to `total`.
 * Undefined when no proportion does: the bounds leave no room.
 */
export function allocate(total: number, claims: readonly Claim[]): { seats: number[]; proportion: number } | undefined {
  const wants = claims.map(({ low, high, target }) => ({ low, high, target: Math.max(target, leastTarget) }));
  const given = (proportion: number): number[] => wants.map(({ low, high, target }) => Math.min(high, Math.max(low, proportion * target)));
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
  const lowest = sum(wants.map(({ low }) => low));
  const highest = sum(wants.map(({ high }) => high));
  if (total < lowest || total > highest) return undefined;
  // What is given grows with the proportion, in straight lines that bend where a claim reaches one of its bounds.
  const bends = [...new Set([0, ...wants.flatMap(({ low, high, target }) => [low / target, high / target])])].sort((a, b) => a - b);
  let from = 0;
  for (const bend of bends) {
    const reached = sum(given(bend));
    if (reached >= total) {
      const before = sum(given(from));
      const proportion = reached > before ? from + ((bend - from) * (total - before)) / (reached - before) : bend;
      return { seats: given(proportion), proportion };
    }
    from = bend;
  }
  return { seats: given(from), proportion: from };
}
