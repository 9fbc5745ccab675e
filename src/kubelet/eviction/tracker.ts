/** Remembers since when thresholds are crossed: grace periods of soft ones, and conditions that outlast the pressure for a while. */
import { crossed, type Observations, type PressureType, signals, type Threshold } from './thresholds.ts';

export interface PressureTracker {
  /** The thresholds that call for action now; `now` in epoch milliseconds. */
  observe(observations: Observations, now: number): Threshold[];
  /** Conditions that the node has to report. */
  conditions(): ReadonlySet<PressureType>;
}

/** Memory first: nothing else works without. */
const urgency = (threshold: Threshold): number => (threshold.signal === 'memory.available' ? 0 : 1);

export function createPressureTracker(thresholds: readonly Threshold[], transitionMs: number): PressureTracker {
  const firstSeen = new Map<Threshold, number>();
  const lastSeen = new Map<PressureType, number>();
  let acting: readonly Threshold[] = [];
  let conditions: ReadonlySet<PressureType> = new Set();
  return {
    observe: (observations, now) => {
      const met = new Set([...crossed(thresholds, observations), ...crossed(acting, observations, true)]);
      for (const threshold of firstSeen.keys()) if (!met.has(threshold)) firstSeen.delete(threshold);
      for (const threshold of met) {
        if (!firstSeen.has(threshold)) firstSeen.set(threshold, now);
        lastSeen.set(signals[threshold.signal].condition, now);
      }
      conditions = new Set([...lastSeen].filter(([, at]) => now - at < transitionMs || at === now).map(([type]) => type));
      acting = [...firstSeen].filter(([{ grace = 0 }, since]) => now - since >= grace).map(([threshold]) => threshold);
      return [...acting].sort((a, b) => urgency(a) - urgency(b));
    },
    conditions: () => conditions,
  };
}
