/** Changes to stored objects that no strategy, admission or ownership sees: what a subresource does to its object by itself. */
import { conflict, notFound, type StatusError } from '../../apimachinery/errors.ts';
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

/** In the words of upstream's storage, whose keys have no group, save those of custom resources. */
export function preconditionFailed({ groupResource, custom }: Resource, name: string, key: string, why: string): StatusError {
  const upstreamKey = custom ? key : `/registry/${key.split('/').slice(3).join('/')}`;
  const failed = `StorageError: invalid object, Code: 4, Key: ${upstreamKey}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: ${why}`;
  return conflict(groupResource, name, failed);
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
      throw preconditionFailed(resource, name, key, `UID in precondition: ${uid}, UID in object meta: ${metadata.uid ?? ''}`);
    }
    if (resourceVersion && resourceVersion !== metadata.resourceVersion) {
      const why = `ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion ?? ''}`;
      throw preconditionFailed(resource, name, key, why);
    }
    if (update.change(object) === false || update.dryRun) return object;
    try {
      const revision = await storage.cacher.store.update(key, encodeStored(stored, object), current.revision);
      metadata.resourceVersion = String(revision);
      return object;
    } catch (error) {
      if (!(error instanceof RevisionMismatchError)) throw error;
      current = error.current ? storage.cacher.entryOf(error.current) : undefined;
    }
  }
}
