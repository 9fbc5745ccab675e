/**
 * Notices what changes in the runtime and says which pod it concerns. With CRI events (containerd 1.7 and later) the
 * runtime tells, and a relist every few seconds is the safety net; without them a relist each second has to do.
 * Source of the rule: KEP-3386 (evented pod lifecycle event generator).
 */
import type { Logger } from 'pino';
import { messageOf } from '../context.ts';
import { type CriClient, isUnimplemented } from '../cri/client.ts';
import type { RuntimeCache } from './cache.ts';
import { podUidLabel } from './labels.ts';

const relistWithoutEventsMs = 1_000;
const relistWithEventsMs = 10_000;

export interface Pleg {
  /** Resolves after the first relist. */
  start(): Promise<void>;
  /** When a relist last succeeded; upstream calls the node NotReady when this is three minutes ago. */
  lastRelist(): number;
  /** Pods that the runtime has, by uid, as of the last relist. */
  podUids(): ReadonlySet<string>;
  relist(): Promise<void>;
  /** The runtime tells of changes by itself. */
  evented(): boolean;
}

/** `changed` gets the uid of a pod whose containers or sandboxes are not as they were, `took` how long each list took. */
export function createPleg(
  cri: CriClient,
  cache: RuntimeCache,
  log: Logger,
  signal: AbortSignal,
  changed: (uid: string) => void,
  took: (seconds: number) => void = () => {},
): Pleg {
  let states = new Map<string, string>();
  let uids: ReadonlySet<string> = new Set();
  let lastRelist = 0;
  let interval = relistWithoutEventsMs;

  async function relist(): Promise<void> {
    const began = performance.now();
    const { sandboxes, containers } = await cache.listAll();
    took((performance.now() - began) / 1000);
    const now = new Map<string, string>();
    const owner = new Map<string, string>();
    for (const { id = '', state = '', labels = {} } of [...sandboxes, ...containers]) {
      now.set(id, state);
      owner.set(id, labels[podUidLabel] ?? '');
    }
    const touched = new Set<string>();
    for (const [id, state] of now) if (states.get(id) !== state) touched.add(owner.get(id) ?? '');
    for (const id of states.keys()) if (!now.has(id)) touched.add(owners.get(id) ?? '');
    states = now;
    owners = owner;
    uids = new Set(owner.values());
    lastRelist = Date.now();
    for (const uid of touched) if (uid) changed(uid);
  }
  let owners = new Map<string, string>();

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const event of cri.containerEvents(signal)) {
          interval = relistWithEventsMs;
          const uid = event.podSandboxStatus?.labels?.[podUidLabel] ?? owners.get(event.containerId ?? '');
          if (uid) changed(uid);
        }
      } catch (error) {
        interval = relistWithoutEventsMs;
        if (signal.aborted || isUnimplemented(error)) return;
        log.debug({ err: messageOf(error) }, 'the runtime ended its event stream');
      }
      await sleep(500, signal);
    }
  }

  async function poll(): Promise<void> {
    while (!signal.aborted) {
      await sleep(interval, signal);
      await relist().catch((error: unknown) => log.warn({ err: messageOf(error) }, 'listing what the runtime runs failed'));
    }
  }

  return {
    start: async () => {
      await relist();
      void follow();
      void poll();
    },
    lastRelist: () => lastRelist,
    podUids: () => uids,
    relist,
    evented: () => interval === relistWithEventsMs,
  };
}

/** Resolves after that time, or at once when `signal` aborts. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', done, { once: true });
  });
}
