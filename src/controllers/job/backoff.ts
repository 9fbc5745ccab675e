/** How long to wait before failed pods are replaced: 10 s, doubling to 10 min with every failure since the last success. */
import type { ContainerStatus, Pod } from '../../api/core/v1/types.gen.ts';
import { podCondition } from '../common/podstate.ts';

const baseMs = 10_000;
const maxMs = 600_000;

/** The latest end of all; undefined while one has none. */
function latestEnd(statuses: readonly ContainerStatus[]): number | undefined {
  const ends = statuses.map(({ state }) => (state?.terminated?.finishedAt ? Date.parse(state.terminated.finishedAt) : undefined));
  return ends.length === 0 || ends.includes(undefined) ? undefined : Math.max(...(ends as number[]));
}

/** When a pod ended, in milliseconds, as well as that can be told. */
export function finishedAt(pod: Pod): number {
  const { status, spec, metadata } = pod;
  const sidecars = new Set((spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name));
  const ended = latestEnd([...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name))]);
  if (ended !== undefined) return ended;
  const ready = podCondition(pod, 'Ready');
  if (ready?.status === 'False' && ready.lastTransitionTime) return Date.parse(ready.lastTransitionTime);
  if (metadata.deletionTimestamp) return Date.parse(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1_000;
  return Date.parse(metadata.creationTimestamp ?? '');
}

export interface Failures {
  count: number;
  /** Milliseconds since 1970. */
  last: number;
}

export const noFailures: Failures = { count: 0, last: 0 };

/** Failures since the last success, with pods that ended anew. */
export function addFailures(before: Failures, succeeded: readonly Pod[], failed: readonly Pod[]): Failures {
  const lastSuccess = Math.max(...succeeded.map(finishedAt), Number.NEGATIVE_INFINITY);
  const later = failed.map(finishedAt).filter((time) => time > lastSuccess);
  const kept = succeeded.length > 0 ? noFailures : before;
  return later.length === 0 ? kept : { count: kept.count + later.length, last: Math.max(...later) };
}

/** Milliseconds that are left to wait. */
export function remainingBackoff({ count, last }: Failures, now: number): number {
  if (count === 0) return 0;
  const delay = Math.min(baseMs * 2 ** Math.min(count - 1, 20), maxMs);
  // Of a failure that is yet to come, by a clock that was set back since, the whole delay is left.
  return Math.min(delay, Math.max(0, last + delay - now));
}
