/** Records events about objects as core/v1 `Event`s, one after the other, through the correlator. Behaviour of client-go's recorder. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { events as eventKind } from '../api/core/v1/event.ts';
import type { Event } from '../api/core/v1/types.gen.ts';
import { isNotFound, StatusError } from '../apimachinery/errors.ts';
import { timeOf } from '../apimachinery/meta.ts';
import type { Client } from './client.ts';
import { type Correlated, createCorrelator } from './correlator.ts';
import type { EventRecorder, EventTarget } from './events.ts';
import { monotonic } from './monotonic.ts';

export interface EventRecorderOptions {
  /** `source.component` and `reportingComponent`, e.g. `kubelet`. */
  component: string;
  /** `source.host` and `reportingInstance`: the node's name, for components that run on nodes. */
  host?: string;
  log?: Pick<Logger, 'debug' | 'error'>;
  now?: () => Date;
  /** Ends retries; what is pending then is dropped. */
  signal?: AbortSignal;
  /** How many are written at once; those about one object stay in order. One unless given. */
  concurrency?: number;
  /** How many may wait; a thousand unless given. */
  maxQueued?: number;
}

const maxTries = 12;
const retryDelayMs = 10_000;
/** Losses are told of no more often than this. */
const complainEveryMs = 10_000;

interface Lane {
  queue: Event[];
  sending: Promise<void> | undefined;
}
/** Makes a recorder. Events are dropped, with a line in the log now and then, when too many wait already. */
export function createEventRecorder(
  client: Client,
  { component, host, log, now = () => new Date(), signal, concurrency = 1, maxQueued = 1_000 }: EventRecorderOptions,
): EventRecorder {
  const resource = client.resource(eventKind);
  const correlator = createCorrelator();
  const lanes: Lane[] = Array.from({ length: concurrency }, () => ({ queue: [], sending: undefined }));
  let waiting = 0;
  let dropped = 0;
  let complainedAt = Number.NEGATIVE_INFINITY;

  function compose(about: EventTarget, type: string, reason: string, message: string): Event {
    const { metadata: meta } = about;
    const time = timeOf(now());
    const name = meta?.name ?? '';
    return {
      metadata: { name: eventName(name), namespace: meta?.namespace || 'default' },
      involvedObject: {
        kind: about.kind,
        namespace: meta?.namespace,
        name,
        uid: meta?.uid,
        apiVersion: about.apiVersion,
        resourceVersion: meta?.resourceVersion,
        fieldPath: about.fieldPath,
      },
      reason,
      message,
      source: { component, ...(host ? { host } : {}) },
      reportingComponent: component,
      reportingInstance: host ?? '',
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      type,
    };
  }

  async function write(result: Exclude<Correlated, { action: 'drop' }>): Promise<Event> {
    const { event } = result;
    if (result.action === 'patch') {
      try {
        return await resource.patch(event.metadata.namespace ?? '', event.metadata.name, 'strategic', result.patch);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return resource.create(event);
  }

  async function record(event: Event): Promise<void> {
    const result = correlator.correlate(event);
    if (result.action === 'drop') return;
    for (let tries = 1; ; tries++) {
      try {
        correlator.stored(result.key, await write(result));
        return;
      } catch (error) {
        const fields = { err: error, reason: event.reason, object: `${event.involvedObject.namespace ?? ''}/${event.involvedObject.name ?? ''}` };
        if (error instanceof StatusError) {
          const expected = error.reason === 'AlreadyExists' || error.status.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating');
          log?.[expected ? 'debug' : 'error'](fields, 'the server rejected an event');
          return;
        }
        if (tries >= maxTries || signal?.aborted) {
          log?.[signal?.aborted ? 'debug' : 'error'](fields, 'an event could not be written');
          return;
        }
        // The first wait is random, so that not all components come back at once.
        await pause(tries === 1 ? retryDelayMs * Math.random() : retryDelayMs, signal);
      }
    }
  }

  async function drain(lane: Lane): Promise<void> {
    for (let event = lane.queue.shift(); event; event = lane.queue.shift()) {
      waiting--;
      await record(event);
    }
    lane.sending = undefined;
  }

  function drop(reason: string, object: string | undefined): void {
    dropped++;
    const time = monotonic();
    if (time - complainedAt < complainEveryMs) return;
    log?.error({ reason, object, dropped }, 'too many events are waiting, some are dropped');
    complainedAt = time;
    dropped = 0;
  }

  return {
    event(about, type, reason, message) {
      if (waiting >= maxQueued) {
        drop(reason, about.metadata?.name);
        return;
      }
      const lane = lanes[laneOf(about, concurrency)]!;
      lane.queue.push(compose(about, type, reason, message));
      waiting++;
      lane.sending ??= drain(lane);
    },
    async flush() {
      await Promise.all(lanes.map(({ sending }) => sending));
    },
  };
}

/** The same for all events about an object. */
function laneOf({ metadata }: EventTarget, lanes: number): number {
  let hash = 0;
  for (const character of `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return hash % lanes;
}

let lastNanos = 0n;

/** `<object>.<nanoseconds in hex>`, unique in this process; a uuid where that would be too long for a name. */
function eventName(name: string): string {
  const nanos = BigInt(Date.now()) * 1_000_000n;
  lastNanos = nanos > lastNanos ? nanos : lastNanos + 1n;
  const candidate = `${name}.${lastNanos.toString(16)}`;
  return candidate.length <= 253 ? candidate : randomUUID();
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    timer.unref();
    signal?.addEventListener('abort', done, { once: true });
  });
}
