/**
 * Keeps a component from flooding the API with events: repeats become a count, many similar ones become one, and an object
 * that never stops is muted. Rules and numbers of client-go's `EventCorrelator`.
 */
import type { Event } from '../api/core/v1/types.gen.ts';
import { monotonic } from './monotonic.ts';

/** Similar events within the interval before they are combined. */
const maxSimilar = 10;
const similarIntervalMs = 600_000;
const cacheSize = 4_096;
/** Events per source and object: 25 at once, one more every five minutes. */
const spamBurst = 25;
const spamRefillPerMs = 1 / 300_000;

export type Correlated =
  | { action: 'drop' }
  | { action: 'create'; event: Event; key: string }
  /** `patch` (strategic) brings the stored event up to date; `event` is what to create when it is gone. */
  | { action: 'patch'; event: Event; patch: object; key: string };

export interface Correlator {
  correlate(event: Event): Correlated;
  /** What the server answered: its name is what the next repeat patches. */
  stored(key: string, event: Event): void;
}

interface Observation {
  name: string;
  count: number;
  firstTimestamp: string | undefined;
}

/** `now` in milliseconds. */
export function createCorrelator(now: () => number = monotonic): Correlator {
  const similar = lru<{ messages: Set<string>; last: number }>(cacheSize);
  const observed = lru<Observation>(cacheSize);
  const buckets = lru<{ tokens: number; last: number }>(cacheSize);

  function isSpam(event: Event): boolean {
    const key = sourceAndObject(event);
    const bucket = buckets.get(key) ?? { tokens: spamBurst, last: now() };
    bucket.tokens = Math.min(spamBurst, bucket.tokens + (now() - bucket.last) * spamRefillPerMs);
    bucket.last = now();
    buckets.set(key, bucket);
    if (bucket.tokens < 1) return true;
    bucket.tokens -= 1;
    return false;
  }

  /** The event to record and the key of its repeats: its own, or that of a group of similar ones. */
  function aggregate(event: Event): { event: Event; key: string } {
    const groupKey = similarKey(event);
    const known = similar.get(groupKey);
    const group = known && now() - known.last <= similarIntervalMs ? known : { messages: new Set<string>(), last: 0 };
    group.messages.add(event.message ?? '');
    group.last = now();
    similar.set(groupKey, group);
    if (group.messages.size < maxSimilar) return { event, key: repeatKey(event) };
    // Room for the next one: the group stays at its limit.
    for (const message of group.messages) {
      group.messages.delete(message);
      break;
    }
    return { event: { ...event, message: `(combined from similar events): ${event.message ?? ''}` }, key: groupKey };
  }

  return {
    correlate(received) {
      const { event, key } = aggregate(received);
      if (isSpam(event)) return { action: 'drop' };
      const before = observed.get(key);
      const count = (before?.count ?? 0) + 1;
      const current: Event = {
        ...event,
        count,
        firstTimestamp: before?.firstTimestamp ?? event.firstTimestamp,
        metadata: { ...event.metadata, name: before?.name ?? event.metadata.name },
      };
      observed.set(key, { name: current.metadata.name, count, firstTimestamp: current.firstTimestamp });
      if (!before) return { action: 'create', event: current, key };
      return { action: 'patch', event: current, patch: { count, lastTimestamp: current.lastTimestamp, message: current.message }, key };
    },
    stored(key, event) {
      observed.set(key, { name: event.metadata.name, count: event.count ?? 1, firstTimestamp: event.firstTimestamp });
    },
  };
}

const join = (parts: readonly (string | undefined)[]): string => parts.map((part) => part ?? '').join('\0');

function sourceAndObject({ source, involvedObject: object }: Event): string {
  return join([source?.component, source?.host, object.kind, object.namespace, object.name, object.uid, object.apiVersion]);
}

const similarKey = (event: Event): string => join([sourceAndObject(event), event.type, event.reason, event.reportingComponent, event.reportingInstance]);

const repeatKey = (event: Event): string => join([sourceAndObject(event), event.involvedObject.fieldPath, event.type, event.reason, event.message]);

/** A Map in order of last use. */
function lru<V>(limit: number): { get(key: string): V | undefined; set(key: string, value: V): void } {
  const entries = new Map<string, V>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size <= limit) return;
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        break;
      }
    },
  };
}
