/** A store whose values are encrypted, as the configuration says for each resource. What it gives is always clear text. */

import type { Store, StoreEntry, StoreEvent, Watch, WatchMessage } from '../../../store/store.ts';
import { RevisionMismatchError } from '../../../store/store.ts';
import { prefixOf } from '../../cacher/cacher.ts';
import { DecryptionError, identity, isEncrypted, type Transformer } from './transformer.ts';

/** By the prefix of a resource's keys (`/registry/<group>/<resource>/`); absent for what is written as it is. */
export type TransformerFor = (prefix: string) => Transformer | undefined;

/** Snapshots (`entries`) hold the values as they are stored. */
export function encryptedStore(store: Store, transformerFor: TransformerFor): Store {
  const transformerOf = (key: string): Transformer | undefined => {
    const prefix = prefixOf(key);
    return prefix === '' ? undefined : transformerFor(prefix);
  };

  const encrypt = (key: string, value: Uint8Array): Uint8Array => transformerOf(key)?.encrypt(value, key) ?? value;

  function decrypt(key: string, value: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const transformer = transformerOf(key);
    if (!transformer && !isEncrypted(value)) return value;
    try {
      const plain = (transformer ?? identity).decrypt(value, key);
      if (!(plain instanceof Promise)) return plain.value;
      return plain.then(
        (read) => read.value,
        (error: unknown) => {
          throw new DecryptionError(key, error);
        },
      );
    } catch (error) {
      throw new DecryptionError(key, error);
    }
  }

  /** Most values are there at once: no promise is made for them. */
  function opened(entry: StoreEntry): StoreEntry | Promise<StoreEntry> {
    const value = decrypt(entry.key, entry.value);
    if (value === entry.value) return entry;
    return value instanceof Promise ? value.then((read) => ({ ...entry, value: read })) : { ...entry, value };
  }

  async function openedEvent(event: StoreEvent): Promise<StoreEvent> {
    const { value, previous } = event;
    return {
      ...event,
      ...(value ? { value: await decrypt(event.key, value) } : {}),
      ...(previous ? { previous: await opened(previous) } : {}),
    };
  }

  const touched = ({ key, value, previous }: StoreEvent): boolean =>
    transformerOf(key) !== undefined || (value !== undefined && isEncrypted(value)) || (previous !== undefined && isEncrypted(previous.value));

  async function* messages(watch: Watch): AsyncGenerator<WatchMessage> {
    for await (const message of watch) {
      yield message.type === 'event' && touched(message.event) ? { type: 'event', event: await openedEvent(message.event) } : message;
    }
  }

  /** Whoever lost a race goes on with what the winner wrote: in clear text. */
  async function opening<T>(write: Promise<T>): Promise<T> {
    try {
      return await write;
    } catch (error) {
      if (error instanceof RevisionMismatchError && error.current) throw new RevisionMismatchError(error.current.key, await opened(error.current));
      throw error;
    }
  }

  return {
    async get(key, options) {
      const { entry, revision } = await store.get(key, options);
      return entry ? { entry: await opened(entry), revision } : { revision };
    },
    async list(prefix, options) {
      const result = await store.list(prefix, options);
      const entries = result.entries.map(opened);
      return { ...result, entries: entries.some((entry) => entry instanceof Promise) ? await Promise.all(entries) : (entries as StoreEntry[]) };
    },
    count: (prefix) => store.count(prefix),
    create: async (key, value, options) => store.create(key, encrypt(key, value), options),
    update: async (key, value, expectedRevision, options) => opening(store.update(key, encrypt(key, value), expectedRevision, options)),
    delete: (key, expectedRevision) => opening(store.delete(key, expectedRevision)),
    watch(prefix, fromRevision) {
      const watch = store.watch(prefix, fromRevision);
      return { [Symbol.asyncIterator]: () => messages(watch), requestProgress: () => watch.requestProgress(), cancel: () => watch.cancel() };
    },
    currentRevision: () => store.currentRevision(),
    compact: (revision) => store.compact(revision),
    entries: () => store.entries(),
    async stale(key) {
      const { entry } = await store.get(key);
      if (!entry) return false;
      const transformer = transformerOf(key) ?? identity;
      if (transformer === identity) return isEncrypted(entry.value);
      return (await transformer.decrypt(entry.value, key)).stale;
    },
    ...(store.size ? { size: () => store.size!() } : {}),
    close: () => store.close(),
  };
}
