/** What a controller wrote and its informer has not shown yet, on top of what the informer shows: nobody creates twice. */
import { type KubeObject, keyOf } from '../../apimachinery/meta.ts';
import type { Informer } from '../../client/informer.ts';
import { monotonic } from '../../client/monotonic.ts';

export interface OwnWrites<T extends KubeObject> {
  /** After a create or an update, with what the server answered. */
  wrote(object: T): void;
  /** After a delete. */
  deleted(object: T): void;
  /** Those of `seen`, newer where we wrote since, without what we deleted, and with what we created if `isWanted`. */
  apply(seen: readonly T[], isWanted: (object: T) => boolean): T[];
}

/** Resource versions can be compared as numbers (KEP-5504). */
const isNewer = (a: KubeObject, b: KubeObject): boolean => BigInt(a.metadata.resourceVersion || 0) > BigInt(b.metadata.resourceVersion || 0);

/** An informer that has not shown a write for so long never will: the object was there and gone while the watch was broken. */
const believedForMs = 60_000;

export function trackOwnWrites<T extends KubeObject>(informer: Informer<T>, now: () => number = monotonic): OwnWrites<T> {
  const written = new Map<string, { object: T; at: number }>();
  const gone = new Set<string>();
  const ours = (key: string): T | undefined => {
    const entry = written.get(key);
    if (entry && now() - entry.at > believedForMs) written.delete(key);
    return written.get(key)?.object;
  };
  const settle = (object: T): void => {
    const own = ours(keyOf(object));
    if (own && !isNewer(own, object)) written.delete(keyOf(object));
  };
  informer.addHandlers({
    added: settle,
    updated: settle,
    deleted(object) {
      if (ours(keyOf(object))?.metadata.uid === object.metadata.uid) written.delete(keyOf(object));
      gone.delete(object.metadata.uid ?? '');
    },
  });
  return {
    wrote(object) {
      const seen = informer.getByKey(keyOf(object));
      if (!seen || isNewer(object, seen)) written.set(keyOf(object), { object, at: now() });
    },
    deleted(object) {
      written.delete(keyOf(object));
      if (informer.getByKey(keyOf(object))?.metadata.uid === object.metadata.uid) gone.add(object.metadata.uid ?? '');
    },
    apply(seen, isWanted) {
      const keys = new Set(seen.map(keyOf));
      const current = seen.map((object) => {
        const own = ours(keyOf(object));
        return own && isNewer(own, object) ? own : object;
      });
      const created = [...written.keys()].flatMap((key) => (keys.has(key) ? [] : (ours(key) ?? [])));
      return [...current, ...created].filter((object) => !gone.has(object.metadata.uid ?? '') && isWanted(object));
    },
  };
}
