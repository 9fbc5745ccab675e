/**
 * Keeps a copy of a resource in step with the server: an initial state (streamed, or listed in pages), then changes,
 * and all over again when the server no longer has the history in between. Behaviour of client-go's `Reflector`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isGone, StatusError } from '../apimachinery/errors.ts';
import type { KubeObject } from '../apimachinery/meta.ts';
import { createDelays } from './backoff.ts';
import type { ResourceClient, WatchEvent } from './client.ts';
import { isConnectionReset } from './retrying.ts';

/** Where the state goes. Between `begin` and `end` the objects that exist are named, each once or more. */
export interface ReflectorTarget<T> {
  begin(): void;
  put(object: T): void;
  remove(object: T): void;
  /** What was not named since `begin` does not exist any more. */
  end(): void;
}

export interface ReflectorOptions<T extends KubeObject> {
  resource: ResourceClient<T>;
  namespace: string;
  labelSelector?: string;
  fieldSelector?: string;
  target: ReflectorTarget<T>;
  signal: AbortSignal;
  /** Of every failure; the reflector goes on after a delay. */
  onError(error: unknown, doing: 'list' | 'watch'): void;
}

const pageSize = 500;
/** How long objects are processed before other work of the event loop gets its turn. */
const sliceMs = 8;
const initialEventsEnd = 'k8s.io/initial-events-end';

/** Runs until `signal` aborts; never throws. */
export async function runReflector<T extends KubeObject>(options: ReflectorOptions<T>): Promise<void> {
  const { resource, namespace, labelSelector, fieldSelector, target, signal, onError } = options;
  const selectors = { labelSelector, fieldSelector };
  const watching = { ...selectors, allowWatchBookmarks: true, withoutManagedFields: true };
  const delays = createDelays({ baseMs: 800, maxMs: 30_000, resetMs: 120_000 });
  const pause = createSlices();
  let streaming = true;
  /** The revision up to which the copy is known to be in step; undefined asks for the initial state. */
  let revision: string | undefined;

  /** Takes events until the watch ends. Gives how many there were. */
  async function consume(events: AsyncIterable<WatchEvent<T>>): Promise<number> {
    let count = 0;
    for await (const event of events) {
      if (event.type === 'ERROR') continue;
      count++;
      const { object } = event;
      if (event.type === 'DELETED') target.remove(object);
      else if (event.type !== 'BOOKMARK') target.put(object);
      else if (revision === undefined) {
        if (object.metadata.annotations?.[initialEventsEnd] !== 'true') continue;
        target.end();
        revision = object.metadata.resourceVersion;
      }
      // Initial events come in no order of revision: they must not become the point to resume from.
      if (revision !== undefined) revision = object.metadata.resourceVersion;
      if (pause.due()) await pause.take();
    }
    return count;
  }

  /** From five to ten minutes, so that the watches of a big cluster are not renewed all at once. */
  const timeoutSeconds = (): number => Math.floor(300 * (1 + Math.random()));

  async function listPages(): Promise<void> {
    let token: string | undefined;
    let limit: number | undefined = pageSize;
    target.begin();
    do {
      try {
        const page: Awaited<ReturnType<typeof resource.list>> = await resource.list(namespace, { ...selectors, limit, continue: token });
        for (const object of page.items) {
          target.put(object);
          if (pause.due()) await pause.take();
        }
        token = page.metadata.continue;
        revision = token ? undefined : page.metadata.resourceVersion;
      } catch (error) {
        if (!isGone(error) || token === undefined) throw error;
        // The pages' snapshot was compacted away under way: all at once then, as client-go's pager does.
        token = undefined;
        limit = undefined;
        target.begin();
        revision = undefined;
      }
    } while ((token || revision === undefined) && !signal.aborted);
    if (!signal.aborted) target.end();
  }

  async function watchInitial(): Promise<void> {
    target.begin();
    const query = { ...watching, sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' as const };
    await consume(resource.watch(namespace, { ...query, timeoutSeconds: timeoutSeconds() }, signal));
    if (revision === undefined && !signal.aborted) throw new Error('the watch ended before the initial state was complete');
  }

  /** One attempt; what it learns stands in `revision`. */
  async function step(): Promise<void> {
    if (revision === undefined) {
      if (streaming) await watchInitial();
      else await listPages();
      return;
    }
    const started = performance.now();
    const query = { ...watching, resourceVersion: revision, timeoutSeconds: timeoutSeconds() };
    const count = await consume(resource.watch(namespace, query, signal));
    if (count === 0 && performance.now() - started < 1_000 && !signal.aborted) throw new Error('very short watch: ended within a second without any event');
  }

  while (!signal.aborted) {
    const doing = revision === undefined ? 'list' : 'watch';
    try {
      await step();
    } catch (error) {
      if (signal.aborted) return;
      if (isGone(error)) {
        revision = undefined;
        if (doing === 'watch') continue;
      } else if (doing === 'list' && streaming && refusesStreaming(error)) {
        streaming = false;
        continue;
      } else if (doing === 'watch' && isConnectionReset(error)) {
        // A server that restarts: resumed after a short delay and not worth a line in the log.
        await quietly(sleep(delays(), undefined, { signal }));
        continue;
      }
      onError(error, doing);
      await quietly(sleep(delays(), undefined, { signal }));
    }
  }
}

/** A server without the WatchList feature, or one that knows no watch for the resource, says so with one of these. */
const refusesStreaming = (error: unknown): boolean => error instanceof StatusError && [400, 405, 422].includes(error.code);

/** Waiting ends early when the reflector is stopped; the loop sees that by itself. */
async function quietly(waiting: Promise<unknown>): Promise<void> {
  await waiting.catch(() => {});
}

function createSlices(): { due(): boolean; take(): Promise<void> } {
  let started = performance.now();
  let calls = 0;
  return {
    due: () => (++calls & 15) === 0 && performance.now() - started > sliceMs,
    async take() {
      await new Promise((resolve) => setImmediate(resolve));
      started = performance.now();
    },
  };
}
