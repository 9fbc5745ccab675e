/** Changes to stored objects that no strategy, admission or ownership sees: what a subresource does to its object by itself. */
import { conflict, notFound } from '../../apimachinery/errors.ts';
import { RevisionMismatchError } from '../../store/store.ts';
import { encodeStored } from '../cacher/bytes.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import type { Resource } from '../registry.ts';
import { storedObject } from './objects.ts';
import type { Storage } from './types.ts';
import { keyFor } from './types.ts';
import { readCurrent } from './update.ts';

export interface RawUpdate {
  namespace: string;
  name: string;
  dryRun?: boolean;
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  /** Changes the object in place; false leaves it as it is. Called again when somebody else's write came first. */
  change(object: StoredObject): boolean | void;
}

/** Gives the object as it then stands, in the stored version. Fails with 404, and with 409 when a precondition does not hold. */
export async function rawUpdate(storage: Storage, resource: Resource, update: RawUpdate): Promise<StoredObject> {
  const { namespace, name, uid, resourceVersion } = update;
  const { stored } = resource;
  const key = keyFor(resource, namespace, name);
  let current = await readCurrent(storage, { resource }, key);
  for (;;) {
    if (!current) throw notFound(resource.groupResource, name);
    const object = storedObject(resource, current);
    const { metadata } = object;
    if (uid && uid !== metadata.uid) {
      throw conflict(resource.groupResource, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid ?? ''}`);
    }
    if (resourceVersion && resourceVersion !== metadata.resourceVersion) {
      const why = `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion ?? ''}`;
      throw conflict(resource.groupResource, name, why);
    }
    if (update.change(object) === false || update.dryRun) return object;
    try {
      const revision = await storage.cacher.store.update(key, encodeStored(stored.apiVersion, stored.definition.kind, object), current.revision);
      metadata.resourceVersion = String(revision);
      return object;
    } catch (error) {
      if (!(error instanceof RevisionMismatchError)) throw error;
      current = error.current ? storage.cacher.entryOf(error.current) : undefined;
    }
  }
}
