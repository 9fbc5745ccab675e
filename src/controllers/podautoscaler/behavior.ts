/** How fast a proposal may be followed: stabilization windows and rates over time. Source of the rules: KEP-853, upstream's `horizontal.go`. */
import type { HorizontalPodAutoscalerBehavior, HPAScalingRules } from '../../api/autoscaling/v2/types.gen.ts';

interface Timed {
  value: number;
  /** By a clock that never jumps. */
  time: number;
}

/** What happened to one autoscaler, as far as rules look back. */
export interface History {
  recommendations: Timed[];
  /** By how much it was scaled. */
  ups: Timed[];
  downs: Timed[];
}

export const newHistory = (): History => ({ recommendations: [], ups: [], downs: [] });

export interface Wish {
  current: number;
  proposed: number;
  min: number;
  max: number;
  behavior?: HorizontalPodAutoscalerBehavior;
  now: number;
}

export interface Verdict {
  replicas: number;
  /** For the condition AbleToScale. */
  stabilized: { reason: string; message: string };
  /** For the condition ScalingLimited. */
  limited: { limited: boolean; reason: string; message: string };
}

const defaultDownWindowSeconds = 300;
/** The longest window and period that validation lets pass. */
const memoryMs = 3_600_000;

const doubling = { type: 'Percent', value: 100, periodSeconds: 15 };
const defaultPolicies = { 1: [{ type: 'Pods', value: 4, periodSeconds: 15 }, doubling], '-1': [doubling] };

const unchanged = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' };
const within = { limited: false, reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' };

/** The proposal after recent ones were heard: the lowest of them when rising, the highest when falling. */
function stabilize({ recommendations }: History, { current, proposed, behavior, now }: Wish): number {
  const since = (seconds: number): number[] => recommendations.filter(({ time }) => time > now - seconds * 1_000).map(({ value }) => value);
  const down = Math.max(proposed, ...since(behavior?.scaleDown?.stabilizationWindowSeconds ?? defaultDownWindowSeconds));
  if (!behavior) return down;
  const up = Math.min(proposed, ...since(behavior.scaleUp?.stabilizationWindowSeconds ?? 0));
  return Math.min(Math.max(current, up), down);
}

const changeSince = (changes: readonly Timed[], seconds: number, now: number): number =>
  changes.filter(({ time }) => time > now - seconds * 1_000).reduce((sum, { value }) => sum + value, 0);

/** The number of replicas that the rules allow at most (or at least, when falling). */
function limitOf(history: History, { current, now }: Wish, rules: HPAScalingRules | undefined, direction: 1 | -1): number {
  const { selectPolicy = 'Max', policies = defaultPolicies[direction] } = rules ?? {};
  if (selectPolicy === 'Disabled') return current;
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = current - changeSince(history.ups, periodSeconds, now) + changeSince(history.downs, periodSeconds, now);
    if (type === 'Pods') return start + direction * value;
    const scaled = start * (1 + (direction * value) / 100);
    return direction > 0 ? Math.ceil(scaled) : Math.trunc(scaled);
  });
  // The policy that allows the greatest change, or the smallest.
  const highest = (selectPolicy === 'Min') !== direction > 0;
  return highest ? Math.max(...limits) : Math.min(...limits);
}

function limit(history: History, wish: Wish, desired: number): { replicas: number } & Verdict['limited'] {
  const { current, min, max, behavior } = wish;
  // Without rules of its own both bounds hold, whichever way it goes.
  if (!behavior || desired > current) {
    const rate = behavior ? Math.max(current, limitOf(history, wish, behavior.scaleUp, 1)) : Math.max(2 * current, 4);
    const allowed = Math.min(max, rate);
    if (desired > allowed) {
      return rate < max
        ? { replicas: allowed, limited: true, reason: 'ScaleUpLimit', message: 'the desired replica count is increasing faster than the maximum scale rate' }
        : { replicas: allowed, limited: true, reason: 'TooManyReplicas', message: 'the desired replica count is more than the maximum replica count' };
    }
  }
  if (!behavior || desired < current) {
    const rate = behavior ? Math.min(current, limitOf(history, wish, behavior.scaleDown, -1)) : min;
    const allowed = Math.max(min, rate);
    if (desired < allowed) {
      return rate > min
        ? { replicas: allowed, limited: true, reason: 'ScaleDownLimit', message: 'the desired replica count is decreasing faster than the maximum scale rate' }
        : { replicas: allowed, limited: true, reason: 'TooFewReplicas', message: 'the desired replica count is less than the minimum replica count' };
    }
  }
  return { replicas: desired, ...within };
}

/** What to scale to now; the proposal is remembered. */
export function decide(history: History, wish: Wish): Verdict {
  const { proposed, current, now, behavior } = wish;
  const stable = stabilize(history, wish);
  history.recommendations = [...history.recommendations.filter(({ time }) => time > now - memoryMs), { value: proposed, time: now }];
  const rising = behavior && proposed >= current;
  const stabilized =
    stable === proposed
      ? unchanged
      : rising
        ? { reason: 'ScaleUpStabilized', message: 'recent recommendations were lower than current one, applying the lowest recent recommendation' }
        : { reason: 'ScaleDownStabilized', message: 'recent recommendations were higher than current one, applying the highest recent recommendation' };
  const { replicas, ...limited } = limit(history, wish, stable);
  return { replicas, stabilized, limited };
}

/** Remembers that it was scaled. */
export function noteScale(history: History, from: number, to: number, now: number): void {
  const recent = (changes: readonly Timed[]): Timed[] => changes.filter(({ time }) => time > now - memoryMs);
  if (to > from) history.ups = [...recent(history.ups), { value: to - from, time: now }];
  else history.downs = [...recent(history.downs), { value: from - to, time: now }];
}
