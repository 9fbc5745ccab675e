/**
 * Brings statuses to the API server: one writer per pod, the newest status wins, and what is the same is not sent.
 * A pod that has ended is deleted for good after its last status has arrived.
 */
import type { Logger } from 'pino';
import { pods } from '../../api/core/v1/pod.ts';
import type { Pod, PodStatus } from '../../api/core/v1/types.gen.ts';
import { semanticEqual } from '../../apimachinery/equality.ts';
import { isConflict, isNotFound } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import type { Client } from '../../client/client.ts';
import { messageOf } from '../context.ts';
import { sleep } from '../runtime/pleg.ts';
import { ownedConditions } from './conditions.ts';

export interface StatusManager {
  /** As last set; undefined for a pod that this kubelet has not reported on. */
  get(uid: string): PodStatus | undefined;
  set(pod: Pod, status: PodStatus): void;
  /** Deletes the pod for good, when it is to be deleted, after what was set before has been written. */
  finish(pod: Pod): void;
  forget(uid: string): void;
  /** There is a pod in the API again to tell of that one. */
  retarget(uid: string): void;
  /** Waits until nothing is pending. */
  flush(): Promise<void>;
}

interface Entry {
  pod: Pod;
  status: PodStatus;
  /** As the server has it, as far as we know. */
  written: PodStatus;
  /** Uid of the pod that the API has in its place. */
  target: string | undefined;
  finish: boolean;
  deleted: boolean;
  running: Promise<void> | undefined;
}

/** A strategic merge patch from one status to the other; undefined when there is nothing to send. */
export function statusPatch(before: PodStatus, after: PodStatus): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  const old = before as Record<string, unknown>;
  const now = after as Record<string, unknown>;
  for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
    if (unreported.has(key) || semanticEqual(old[key], now[key])) continue;
    if (now[key] === undefined) patch[key] = null;
    else if (key === 'conditions') {
      const changed = (after.conditions ?? []).flatMap((condition) => {
        const known = before.conditions?.find(({ type }) => type === condition.type);
        if (semanticEqual(condition, known)) return [];
        // Items are merged by type: what a condition no longer says has to be taken out.
        const dropped = Object.keys(known ?? {}).filter((field) => !(field in condition));
        return { ...condition, ...Object.fromEntries(dropped.map((field) => [field, null])) };
      });
      const gone = (before.conditions ?? []).filter(
        ({ type }) => ownedConditions.includes(type) && !after.conditions?.some((condition) => condition.type === type),
      );
      const removed = gone.map(({ type }) => ({ $patch: 'delete', type }));
      if (changed.length + removed.length) patch[key] = [...changed, ...removed];
    } else if (key === 'podIPs' || key === 'hostIPs') patch[key] = [...(now[key] as object[]), { $patch: 'replace' }];
    else patch[key] = now[key];
  }
  return Object.keys(patch).length ? patch : undefined;
}

/** Fields of a pod's status that others write. */
const unreported = new Set(['nominatedNodeName', 'resourceClaimStatuses', 'extendedResourceClaimStatus', 'nodeAllocatableResourceClaimStatuses', 'resize']);

/** `targetOf` gives the pod that the API knows in place of ours: the mirror of a static one, undefined while there is none. */
export function createStatusManager(client: Client, log: Logger, signal: AbortSignal, targetOf: (pod: Pod) => Pod | undefined = (pod) => pod): StatusManager {
  const entries = new Map<string, Entry>();
  const resource = client.resource(pods);

  async function write(entry: Entry): Promise<void> {
    const { pod, status } = entry;
    const target = targetOf(pod);
    if (!target) return;
    const { namespace = '', name, uid = '' } = target.metadata;
    const patch = statusPatch(entry.written, status);
    if (patch) {
      const answer = await resource.patch(namespace, name, 'strategic', { metadata: { uid }, status: patch }, { subresource: 'status' });
      entry.written = { ...answer.status, ...status };
    }
    if (entry.finish && !entry.deleted && entry.status === status) {
      await resource.delete(namespace, name, { gracePeriodSeconds: 0, preconditions: { uid } });
      entry.deleted = true;
    }
  }

  /** A conflict may be about the uid, or a race that the server lost. */
  async function replaced({ metadata }: Pod): Promise<boolean> {
    try {
      return (await resource.get(metadata.namespace ?? '', metadata.name)).metadata.uid !== metadata.uid;
    } catch (error) {
      return isNotFound(error);
    }
  }

  /** What the API has of a new mirror is not what the one before had. */
  function aim(entry: Entry): boolean {
    const target = targetOf(entry.pod);
    if (target && target.metadata.uid !== entry.target) {
      entry.target = target.metadata.uid;
      entry.written = target.status ?? {};
    }
    return target !== undefined;
  }

  const pending = (entry: Entry): boolean => aim(entry) && unsaid(entry);
  const unsaid = (entry: Entry): boolean => (entry.finish && !entry.deleted) || statusPatch(entry.written, entry.status) !== undefined;

  async function run(entry: Entry): Promise<void> {
    let delay = 100;
    while (!signal.aborted && entries.get(entry.pod.metadata.uid ?? '') === entry && pending(entry)) {
      try {
        await write(entry);
        delay = 100;
      } catch (error) {
        // Gone, or another pod has its name by now: there is nobody left to tell.
        const target = targetOf(entry.pod);
        if (target && (isNotFound(error) || (isConflict(error) && (await replaced(target))))) {
          entry.written = entry.status;
          entry.deleted = true;
          continue;
        }
        log.warn({ pod: keyOf(entry.pod), err: messageOf(error) }, 'reporting the status of a pod failed');
        await sleep(delay, signal);
        delay = Math.min(delay * 2, 10_000);
      }
    }
    entry.running = undefined;
  }

  function kick(entry: Entry): void {
    if (!entry.running && pending(entry)) entry.running = run(entry);
  }

  function entryOf(pod: Pod): Entry {
    const uid = pod.metadata.uid ?? '';
    let entry = entries.get(uid);
    if (!entry) {
      entry = { pod, status: pod.status ?? {}, written: pod.status ?? {}, target: uid, finish: false, deleted: false, running: undefined };
      entries.set(uid, entry);
    }
    entry.pod = pod;
    return entry;
  }

  return {
    get: (uid) => entries.get(uid)?.status,
    set: (pod, status) => {
      const entry = entryOf(pod);
      entry.status = status;
      kick(entry);
    },
    finish: (pod) => {
      const entry = entryOf(pod);
      entry.finish = pod.metadata.deletionTimestamp !== undefined;
      kick(entry);
    },
    forget: (uid) => void entries.delete(uid),
    retarget: (uid) => {
      const entry = entries.get(uid);
      if (entry) kick(entry);
    },
    flush: async () => {
      await Promise.all([...entries.values()].map(({ running }) => running));
    },
  };
}
