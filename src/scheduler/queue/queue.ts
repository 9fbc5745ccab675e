/**
 * Pods that wait for a node: active ones in order of priority and age, those that back off after a failed attempt, and unschedulable
 * ones that sleep until an event can help. Semantics of upstream's scheduling queue with queueing hints (KEP-4247).
 */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { monotonic } from '../../client/monotonic.ts';
import type { WakeEvent, WakeRule } from '../framework/plugin.ts';
import { eventName, podCame } from '../metrics.ts';
import type { PodInfo } from '../state/podinfo.ts';
import { createHeap } from './heap.ts';

export interface QueuedPod {
  info: PodInfo;
  /** When it came into the queue last, by a clock that never jumps. */
  since: number;
  attempts: number;
  /** In a row; each doubles the delay before the next attempt. */
  failures: number;
  /** Plugins that rejected it last time. */
  rejectedBy: ReadonlySet<string>;
  state: 'active' | 'backoff' | 'error-backoff' | 'unschedulable' | 'gated' | 'trying' | 'gone';
  /** Tells a current entry of a heap from a void one. */
  ticket: number;
  /** When an attempt may be made again. */
  due: number;
}

export interface QueueOptions {
  /** What each plugin waits for. */
  rules: ReadonlyMap<string, readonly WakeRule[]>;
  /** Plugins that want the pod not to be tried yet have their reasons. */
  isGated(pod: Pod): boolean;
  /** Milliseconds; 1 s and 10 s unless given. */
  initialBackoff?: number;
  longestBackoff?: number;
  /** A pod came to where `next` finds it. */
  onReady(): void;
  now?(): number;
}

export interface SchedulingQueue {
  add(info: PodInfo): void;
  /** The pod changed; that may be what it needed. */
  update(info: PodInfo, event: WakeEvent[]): void;
  remove(uid: string): void;
  /** The next pod to try, which then must be given back or is done. */
  next(): QueuedPod | undefined;
  /** It is on a node, or gone. */
  done(queued: QueuedPod): void;
  /** No node fits: sleeps until an event that one of the plugins waits for. */
  sleep(queued: QueuedPod, rejectedBy: ReadonlySet<string>): void;
  /** Something went wrong that has nothing to do with the pod: tried again after a while. */
  backOff(queued: QueuedPod): void;
  wake(event: WakeEvent): void;
  /** Tried again at once. */
  activate(uid: string): void;
  /** A reason to hold it back is gone; if it was woken meanwhile it goes on. */
  release(uid: string): void;
  has(uid: string): boolean;
  readonly counts: { active: number; backoff: number; unschedulable: number; gated: number };
  stop(): void;
}

/** Milliseconds. */
const longestSleep = 5 * 60_000;
const flushEvery = 30_000;

interface Entry {
  pod: QueuedPod;
  ticket: number;
  /** Copies: what is in a heap must not change. */
  priority: number;
  at: number;
}

export function createSchedulingQueue(options: QueueOptions): SchedulingQueue {
  const { rules, isGated, onReady, initialBackoff = 1_000, longestBackoff = 10_000, now = monotonic } = options;
  const pods = new Map<string, QueuedPod>();
  const active = createHeap<Entry>((a, b) => a.priority > b.priority || (a.priority === b.priority && (a.at < b.at || (a.at === b.at && a.ticket < b.ticket))));
  const backoff = createHeap<Entry>((a, b) => a.at < b.at || (a.at === b.at && a.ticket < b.ticket));
  /** Sleeping pods by the plugins that rejected them. */
  const sleeping = new Map<string, Set<QueuedPod>>();
  let ticket = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const flush = setInterval(flushOld, flushEvery);
  flush.unref();

  const current = (entry: Entry | undefined): boolean => entry !== undefined && entry.ticket === entry.pod.ticket;

  function enter(pod: QueuedPod, state: QueuedPod['state']): void {
    for (const plugin of pod.rejectedBy) sleeping.get(plugin)?.delete(pod);
    pod.state = state;
    pod.ticket = ++ticket;
    const entry: Entry = { pod, ticket: pod.ticket, priority: pod.info.priority, at: pod.since };
    if (state === 'active') {
      active.push(entry);
      onReady();
    } else if (state === 'backoff' || state === 'error-backoff') {
      backoff.push({ ...entry, at: pod.due });
      arm();
      // Rather than idle, the loop takes those that only back off.
      if (state === 'backoff') onReady();
    } else if (state === 'unschedulable') {
      for (const plugin of pod.rejectedBy) {
        const set = sleeping.get(plugin);
        if (set) set.add(pod);
        else sleeping.set(plugin, new Set([pod]));
      }
    }
  }

  function arm(): void {
    clearTimeout(timer);
    while (backoff.size > 0 && !current(backoff.peek())) backoff.pop();
    const first = backoff.peek();
    if (first && !stopped) timer = setTimeout(releaseDue, Math.max(first.at - now(), 1));
  }

  function releaseDue(): void {
    for (let first = backoff.peek(); first && (!current(first) || first.at <= now()); first = backoff.peek()) {
      backoff.pop();
      if (!current(first)) continue;
      podCame('active', 'BackoffComplete');
      enter(first.pod, 'active');
    }
    arm();
  }

  function flushOld(): void {
    for (const pod of pods.values()) if (pod.state === 'unschedulable' && now() - pod.since > longestSleep) leaveSleep(pod, 'UnschedulableTimeout');
  }

  function come(pod: QueuedPod, state: 'active' | 'backoff' | 'unschedulable' | 'gated', why: string): void {
    podCame(state, why);
    enter(pod, state);
  }

  function leaveSleep(pod: QueuedPod, why: string): void {
    if (isGated(pod.info.pod)) come(pod, 'gated', why);
    else come(pod, pod.due > now() ? 'backoff' : 'active', why);
  }

  const kindOf = (event: WakeEvent): string => `${event.resource}/${event.action}`;

  /** Whether one of the plugins that rejected the pod thinks that the event helps. */
  function helps(pod: QueuedPod, event: WakeEvent, plugin: string): boolean {
    return (rules.get(plugin) ?? []).some((rule) => (rule.on === '*' || rule.on === kindOf(event)) && (rule.helps?.(pod.info.pod, event) ?? true));
  }

  function takeFrom(heap: typeof active, states: readonly QueuedPod['state'][]): QueuedPod | undefined {
    const skipped: Entry[] = [];
    let found: QueuedPod | undefined;
    while (!found && heap.size > 0) {
      const entry = heap.pop()!;
      if (!current(entry)) continue;
      if (states.includes(entry.pod.state)) found = entry.pod;
      else skipped.push(entry);
    }
    for (const entry of skipped) heap.push(entry);
    return found;
  }

  const delayOf = (failures: number): number => Math.min(initialBackoff * 2 ** (failures - 1), longestBackoff);

  function giveBack(queued: QueuedPod): boolean {
    if (pods.get(queued.info.uid) !== queued || queued.state !== 'trying') return false;
    queued.since = now();
    queued.failures++;
    queued.due = queued.since + delayOf(queued.failures);
    return true;
  }

  return {
    add(info) {
      const known = pods.get(info.uid);
      if (known) {
        known.info = info;
        return;
      }
      const pod: QueuedPod = { info, since: now(), attempts: 0, failures: 0, rejectedBy: new Set(), state: 'gone', ticket: 0, due: 0 };
      pods.set(info.uid, pod);
      come(pod, isGated(info.pod) ? 'gated' : 'active', 'PodAdd');
    },
    update(info, events) {
      const pod = pods.get(info.uid);
      if (!pod) {
        this.add(info);
        return;
      }
      pod.info = info;
      if (pod.state === 'gated' && !isGated(info.pod)) come(pod, 'active', 'PodUpdate');
      if (pod.state !== 'unschedulable') return;
      if (events.some((event) => [...pod.rejectedBy].some((plugin) => helps(pod, event, plugin)))) leaveSleep(pod, 'PodUpdate');
    },
    remove(uid) {
      const pod = pods.get(uid);
      if (!pod) return;
      pods.delete(uid);
      enter(pod, 'gone');
    },
    next() {
      const pod = takeFrom(active, ['active']) ?? takeFrom(backoff, ['backoff']);
      if (!pod) return undefined;
      pod.state = 'trying';
      pod.ticket = ++ticket;
      pod.attempts++;
      return pod;
    },
    done(queued) {
      if (pods.get(queued.info.uid) === queued) pods.delete(queued.info.uid);
      queued.state = 'gone';
    },
    sleep(queued, rejectedBy) {
      if (!giveBack(queued)) return;
      queued.rejectedBy = rejectedBy;
      come(queued, 'unschedulable', 'ScheduleAttemptFailure');
    },
    backOff(queued) {
      if (!giveBack(queued)) return;
      queued.rejectedBy = new Set();
      podCame('backoff', 'ScheduleAttemptFailure');
      enter(queued, 'error-backoff');
    },
    wake(event) {
      for (const [plugin, set] of sleeping) {
        if (set.size === 0 || !rules.get(plugin)?.some(({ on }) => on === '*' || on === kindOf(event))) continue;
        for (const pod of [...set]) if (pod.state === 'unschedulable' && helps(pod, event, plugin)) leaveSleep(pod, eventName(event));
      }
    },
    activate(uid) {
      const pod = pods.get(uid);
      if (pod?.state === 'unschedulable' || pod?.state === 'backoff') come(pod, isGated(pod.info.pod) ? 'gated' : 'active', 'ForceActivate');
    },
    release(uid) {
      const pod = pods.get(uid);
      if (pod?.state === 'gated' && !isGated(pod.info.pod)) leaveSleep(pod, 'ForceActivate');
    },
    has: (uid) => pods.has(uid),
    get counts() {
      const counts = { active: 0, backoff: 0, unschedulable: 0, gated: 0 };
      for (const { state } of pods.values()) {
        if (state === 'error-backoff') counts.backoff++;
        else if (state in counts) counts[state as keyof typeof counts]++;
      }
      return counts;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      clearInterval(flush);
    },
  };
}
