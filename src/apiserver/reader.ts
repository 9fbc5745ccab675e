/** Stored objects for the server's own needs: decoded once, shared, from the watch cache. */

import type { Logger } from 'pino';
import type { KindDefinition } from '../api/kind.ts';
import { copyJson } from '../apimachinery/copy.ts';
import type { KubeObject } from '../apimachinery/meta.ts';
import type { CacheEntry, Cacher } from './cacher/cacher.ts';
import { decode } from './cacher/decoded.ts';
import type { ObjectReader } from './contracts.ts';
import type { KindRegistry, Resource } from './registry.ts';
import { noteIndex } from './storage/selection.ts';

/** What it gives is shared by all who ask, and must not be changed. */
export function createReader(registry: KindRegistry, cacher: Cacher, log?: Logger): ObjectReader {
  function objectOf<T extends KubeObject>(resource: Resource, entry: CacheEntry, object = cacher.decoded.of(entry)): T {
    object.kind ??= resource.stored.definition.kind;
    if (!resource.fromStored) return object as unknown as T;
    return resource.fromStored(copyJson(object), entry.apiVersion) as unknown as T;
  }

  /** Absent for a kind that is off: there is none of it. */
  const served = ({ group, version, plural }: KindDefinition): Resource | undefined => registry.find(group, version, plural);

  const keyIn = ({ stored, definition }: Resource, namespace: string, name: string): string =>
    definition.namespaced ? `${stored.prefix}${namespace}/${name}` : `${stored.prefix}${name}`;

  return {
    async get<T extends KubeObject>(definition: KindDefinition<T>, namespace: string, name: string): Promise<T | undefined> {
      const resource = served(definition);
      if (!resource) return undefined;
      const { cache } = resource.stored;
      const key = keyIn(resource, namespace, name);
      let entry = cache.entries.get(key);
      if (!entry) {
        // It may have been created a moment ago, through another server.
        await cacher.fresh();
        entry = cache.entries.get(key);
      }
      return entry && objectOf<T>(resource, entry);
    },
    async list<T extends KubeObject>(definition: KindDefinition<T>, namespace?: string): Promise<readonly T[]> {
      const resource = served(definition);
      if (!resource) return [];
      const { cache } = resource.stored;
      const range = namespace && definition.namespaced ? `${cache.prefix}${namespace}/` : cache.prefix;
      return Array.from(cache.sorted.range(range), (entry) => objectOf<T>(resource, entry));
    },
    onChange<T extends KubeObject>(definition: KindDefinition<T>, listener: (type: 'put' | 'delete', object: T) => void, mention?: string): void {
      const resource = served(definition);
      resource?.stored.cache.listeners.push((event) => {
        const { type, entry } = event;
        if (mention !== undefined && !entry.json.includes(mention)) return;
        try {
          // Read once and not kept: it would take the place of what is asked for again, and live as long as that.
          const object = decode(entry, resource.stored.struct);
          if (!entry.index) noteIndex(resource, entry, object);
          listener(type, objectOf<T>(resource, entry, object));
        } catch (error) {
          log?.error({ err: error, key: event.entry.key }, 'a listener to changes failed');
        }
      });
    },
  };
}
