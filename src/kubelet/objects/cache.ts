/**
 * Local copies of exactly the ConfigMaps, Secrets and the like that this node's pods refer to, each kept by a watch of
 * that one object (as the Node authorizer allows), counted by pod.
 */

import type { Logger } from 'pino';
import { isNotFound, notFound } from '../../apimachinery/errors.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { Client, ResourceRef } from '../../client/client.ts';
import { messageOf } from '../context.ts';
import { sleep } from '../runtime/pleg.ts';

export interface ReferencedObjects {
  /** The object as it stands; throws 404 when there is none. The first call for an object waits for the server. */
  get<T extends KubeObject>(ref: ResourceRef<T>, namespace: string, name: string, podUid: string): Promise<T>;
  /** The pod is gone: watches that nobody else needs end. */
  release(podUid: string): void;
  stop(): void;
}

interface Entry {
  pods: Set<string>;
  /** undefined: not known yet; null: does not exist. */
  object: KubeObject | null | undefined;
  first: PromiseWithResolvers<void>;
  failure?: unknown;
  abort: AbortController;
}

/** `changed` is called with the pods that refer to an object that is not as it was. */
export function createReferencedObjects(client: Client, log: Logger, changed: (podUids: readonly string[]) => void): ReferencedObjects {
  const entries = new Map<string, Entry>();

  function put(entry: Entry, object: KubeObject | null): void {
    const before = entry.object;
    entry.object = object;
    entry.failure = undefined;
    entry.first.resolve();
    if (before !== undefined && before?.metadata.resourceVersion !== object?.metadata.resourceVersion) changed([...entry.pods]);
  }

  async function keep(ref: ResourceRef, namespace: string, name: string, entry: Entry): Promise<void> {
    const resource = client.resource(ref);
    const { signal } = entry.abort;
    const fieldSelector = `metadata.name=${name}`;
    let delay = 200;
    while (!signal.aborted) {
      try {
        const list = await resource.list(namespace, { fieldSelector });
        put(entry, list.items[0] ?? null);
        const watch = resource.watch(namespace, { fieldSelector, resourceVersion: list.metadata.resourceVersion, allowWatchBookmarks: true }, signal);
        for await (const event of watch) {
          delay = 200;
          if (event.type === 'DELETED') put(entry, null);
          else if (event.type === 'ADDED' || event.type === 'MODIFIED') put(entry, event.object);
        }
      } catch (error) {
        if (signal.aborted) return;
        entry.failure = error;
        if (entry.object === undefined) entry.first.resolve();
        log.debug({ object: `${ref.plural} ${namespace}/${name}`, err: messageOf(error) }, 'watching a referenced object failed');
      }
      await sleep(delay, signal);
      delay = Math.min(delay * 2, 10_000);
    }
  }

  return {
    get: async <T extends KubeObject>(ref: ResourceRef<T>, namespace: string, name: string, podUid: string): Promise<T> => {
      const key = `${ref.group}/${ref.plural}/${namespace}/${name}`;
      let entry = entries.get(key);
      if (!entry) {
        entry = { pods: new Set(), object: undefined, first: Promise.withResolvers(), abort: new AbortController() };
        entries.set(key, entry);
        void keep(ref as ResourceRef, namespace, name, entry);
      }
      entry.pods.add(podUid);
      await entry.first.promise;
      if (entry.object === undefined) throw entry.failure;
      if (entry.object === null) {
        // Not there when we last looked: ask once more before a pod fails over it.
        const found = await client
          .resource(ref)
          .get(namespace, name)
          .catch((error: unknown) => {
            if (isNotFound(error)) throw notFound({ group: ref.group, resource: ref.kind.toLowerCase() }, name);
            throw error;
          });
        if (entry.object === null) entry.object = found;
        return found;
      }
      return entry.object as T;
    },
    release: (podUid) => {
      for (const [key, entry] of entries) {
        if (!entry.pods.delete(podUid) || entry.pods.size > 0) continue;
        entry.abort.abort();
        entries.delete(key);
      }
    },
    stop: () => {
      for (const entry of entries.values()) entry.abort.abort();
      entries.clear();
    },
  };
}
