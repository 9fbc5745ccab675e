/** Objects out of cache entries, in the version that was asked for. */
import { copyJson } from '../../apimachinery/copy.ts';
import { StatusError } from '../../apimachinery/errors.ts';
import { parseCached } from '../cacher/bytes.ts';
import type { CacheEntry } from '../cacher/cacher.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import type { Resource } from '../registry.ts';

/** A fresh object under the stored version; the caller may change it. */
export function storedObject(resource: Resource, entry: CacheEntry): StoredObject {
  const object = parseCached(entry.json, resource.stored.struct);
  object.apiVersion = entry.apiVersion;
  object.kind = resource.stored.definition.kind;
  return object;
}

/** A fresh object in the served version; the caller may change it. */
export function servedObject(resource: Resource, entry: CacheEntry): StoredObject {
  const ready = resource.remote?.served(entry);
  if (ready) return copyJson(ready);
  const object = storedObject(resource, entry);
  return resource.fromStored ? resource.fromStored(object, entry.apiVersion) : object;
}

/** Waits for what only a webhook can convert; afterwards {@link servedObject} has it. */
export const prepareServed = (resource: Resource, ...entries: readonly CacheEntry[]): Promise<void> | undefined => resource.remote?.prepare(entries);

/** From the served version to the one that is written. */
export const toStored = (resource: Resource, object: StoredObject): StoredObject => (resource.toStored ? resource.toStored(object) : object);
export const fromStored = (resource: Resource, object: StoredObject): StoredObject =>
  resource.fromStored ? resource.fromStored(object, object.apiVersion ?? resource.stored.apiVersion) : object;

/**
 * The largest stored object, in bytes of JSON. Upstream's store takes 1.5 MiB of protobuf, which is somewhat smaller than the
 * same in JSON; without a bound patches would let an object grow for ever.
 */
const maxStoredBytes = 2 * 1024 * 1024;

/** Fails as upstream does with what etcd does not take. */
export function checkStoredSize(value: Uint8Array): void {
  if (value.byteLength > maxStoredBytes) throw new StatusError(500, '', 'etcdserver: request is too large');
}
