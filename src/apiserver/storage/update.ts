/** Replacing an object: the loop that reads, changes, checks and writes until nobody came in between. */
import { copyJson } from '../../apimachinery/copy.ts';
import { badRequest, conflict, invalid, notFound, StatusError, staleObject } from '../../apimachinery/errors.ts';
import { invalidValue, path } from '../../apimachinery/fieldpath.ts';
import { pathSegmentName } from '../../apimachinery/names.ts';
import { own } from '../../apimachinery/own.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../apimachinery/validation/objectmeta.ts';
import { RevisionMismatchError } from '../../store/store.ts';
import { compareStored, encodeStored } from '../cacher/bytes.ts';
import type { CacheEntry } from '../cacher/cacher.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import { handled, runAdmission } from './admit.ts';
import { admissionAttributes, createOnce } from './create.ts';
import { keepManagedTimes, trackFields } from './fieldmanager.ts';
import { beginWrite } from './hooks.ts';
import { dedupeOwnerReferences, ensureNamespace, keepSystemFields, sameJson, wipeSystemFields } from './metadata.ts';
import { checkStoredSize, fromStored, prepareServed, servedObject, storedObject, toStored } from './objects.ts';
import { preconditionFailed } from './raw.ts';
import type { Storage, WriteRequest, Written } from './types.ts';
import { keyFor, strategyContext } from './types.ts';

export interface Update {
  /**
   * The new object in the served version, made from the current one (undefined when there is none; absent `current` is only
   * passed when the write may create). May be called again when somebody else's write came first.
   */
  apply(current: StoredObject | undefined): StoredObject | Promise<StoredObject>;
  /** The current object must have this uid, else 409. */
  uid?: string | undefined;
  /** Creates what does not exist even if the kind does not allow that for PUT (server-side apply). */
  forceCreate?: boolean;
  /** `apply` already recorded who owns what. */
  tracksFields?: boolean;
  /** What admission sees instead of the object, where the subresource has a kind of its own; what it changes is taken over. */
  view?: { of(object: StoredObject): StoredObject; apply(object: StoredObject, viewed: StoredObject): void };
  /** Works on stored objects inside the server (graceful deletion): no admission. */
}

/** The newest state of a key, as the store has it. */
export async function readCurrent(storage: Storage, request: { resource: WriteRequest['resource'] }, key: string): Promise<CacheEntry | undefined> {
  await storage.cacher.fresh();
  return request.resource.stored.cache.entries.get(key);
}

export async function updateObject(storage: Storage, request: WriteRequest, update: Update): Promise<Written> {
  const { resource, namespace, name } = request;
  const { stored } = resource;
  const key = keyFor(resource, namespace, name);
  let current = await readCurrent(storage, request, key);
  for (;;) {
    try {
      if (current) return await replaceOnce(storage, request, update, key, current);
      const mayCreate = request.subresource === '' && (stored.definition.allowCreateOnUpdate || update.forceCreate);
      if (!mayCreate) throw notFound(resource.groupResource, name);
      if (update.uid) {
        throw conflict(resource.groupResource, name, `Precondition failed: UID in precondition: ${update.uid}, UID in object meta: `);
      }
      return await createInstead(storage, request, update);
    } catch (error) {
      if (error instanceof RevisionMismatchError) {
        current = error.current ? storage.cacher.entryOf(error.current) : undefined;
      } else if (!current && error instanceof StatusError && error.reason === 'AlreadyExists') {
        current = await readCurrent(storage, request, key);
        if (!current) throw error;
      } else throw error;
    }
  }
}

async function createInstead(storage: Storage, request: WriteRequest, update: Update): Promise<Written> {
  const { resource, context } = request;
  const object = await update.apply(undefined);
  ensureNamespace(object, resource.definition.namespaced ? request.namespace : '');
  wipeSystemFields(object);
  delete object.metadata.resourceVersion;
  resource.definition.setDefaults?.(object);
  dedupeOwnerReferences(object, context);
  if (!update.tracksFields) trackFields(request, object, undefined);
  const attributes = admissionAttributes(request, 'CREATE', object, undefined);
  if (await runAdmission(storage.admission, 'admit', attributes)) resource.definition.setDefaults?.(object);
  return createOnce(storage, request, object);
}

async function replaceOnce(storage: Storage, request: WriteRequest, update: Update, key: string, current: CacheEntry): Promise<Written> {
  const { resource, context, options, name } = request;
  const { stored } = resource;
  const { definition } = stored;
  const of = resource.groupResource;
  await prepareServed(resource, current);
  const old = storedObject(resource, current);
  if (update.uid && update.uid !== old.metadata.uid) {
    throw preconditionFailed(resource, name, key, `UID in precondition: ${update.uid}, UID in object meta: ${old.metadata.uid ?? ''}`);
  }
  const oldServed = resource.fromStored ? servedObject(resource, current) : old;
  const served = await update.apply(servedObject(resource, current));
  resource.definition.setDefaults?.(served);
  dedupeOwnerReferences(served, context);
  const asked = served.metadata.resourceVersion ?? '';
  if (!update.tracksFields) trackFields(request, served, oldServed);
  const { view } = update;
  const attributes = admissionAttributes(request, 'UPDATE', view ? view.of(served) : served, view ? view.of(oldServed) : oldServed);
  if (await runAdmission(storage.admission, 'admit', attributes)) {
    view?.apply(served, attributes.object as StoredObject);
    resource.definition.setDefaults?.(served);
  }

  if (asked === '' || asked === '0') {
    if (definition.allowUnconditionalUpdate === false) {
      const errors = [invalidValue(path('metadata', 'resourceVersion'), 0, 'must be specified for an update')];
      throw invalid({ group: of.group, kind: of.resource }, name, errors);
    }
  } else if (!/^\d+$/.test(asked)) throw new StatusError(500, '', `strconv.ParseUint: parsing ${JSON.stringify(asked)}: invalid syntax`);
  else if (asked !== String(current.revision)) throw staleObject(of, name);
  served.metadata.resourceVersion = String(current.revision);

  const wrong = resource.validate?.(served, oldServed, request.subresource) ?? [];
  if (wrong.length > 0) throw invalid({ group: of.group, kind: resource.definition.kind }, name, wrong);
  const object = resource.remote ? await resource.remote.toStored(served) : toStored(resource, served);
  if (definition !== resource.definition) definition.setDefaults?.(object);
  prepare(request, object, old);
  const write = await beginWrite(stored.hooks, object, old, options.dryRun);
  try {
    validate(request, object, old);
    keepManagedTimes(object, old);
    if (handled(storage.admission, 'validate', attributes)) {
      const written = resource.remote ? served : resource.fromStored ? fromStored(resource, copyJson(object)) : object;
      attributes.object = view ? view.of(written) : written;
      await runAdmission(storage.admission, 'validate', attributes);
    }
    const written = await commit(storage, request, key, current, object, old);
    write.commit();
    return written;
  } catch (error) {
    await write.rollback();
    throw error;
  }
}

function prepare(request: WriteRequest, object: StoredObject, old: StoredObject): void {
  const { definition } = request.resource.stored;
  const strategy = strategyContext(request);
  ensureNamespace(object, definition.namespaced ? request.namespace : '');
  if (old.metadata.generation === undefined) delete object.metadata.generation;
  else object.metadata.generation = old.metadata.generation;
  const subresource = request.subresource === '' ? undefined : own(definition.subresources, request.subresource);
  if (request.subresource === 'status') keepAllBut(object, old, 'status');
  else if (definition.subresources?.['status']?.type === 'object' && request.subresource === '') keepField(object, old, 'status');
  if (subresource?.type === 'object') subresource.prepareForUpdate?.(object, old, strategy);
  else if (request.subresource === '' || subresource?.type === 'scale') definition.prepareForUpdate?.(object, old, strategy);
  if (definition.hasGeneration && request.subresource !== 'status' && changedOutsideStatus(object, old)) {
    object.metadata.generation = (old.metadata.generation ?? 0) + 1;
  }
  keepSystemFields(object, old);
}

function keepField(object: StoredObject, old: StoredObject, field: string): void {
  if (old[field] === undefined) delete object[field];
  else object[field] = old[field];
}

function keepAllBut(object: StoredObject, old: StoredObject, field: string): void {
  for (const key of new Set([...Object.keys(object), ...Object.keys(old)])) {
    if (key !== field && key !== 'metadata' && key !== 'apiVersion' && key !== 'kind') keepField(object, old, key);
  }
}

function changedOutsideStatus(object: StoredObject, old: StoredObject): boolean {
  for (const key of new Set([...Object.keys(object), ...Object.keys(old)])) {
    if (key === 'metadata' || key === 'status' || key === 'apiVersion' || key === 'kind') continue;
    if (!sameJson(object[key], old[key])) return true;
  }
  return false;
}

function validate(request: WriteRequest, object: StoredObject, old: StoredObject): void {
  const { definition } = request.resource.stored;
  const strategy = strategyContext(request);
  const standardFinalizers = !request.resource.custom && !definition.anyFinalizers;
  const at = path('metadata');
  const errors = validateObjectMeta(object.metadata, { namespaced: definition.namespaced, validateName: pathSegmentName, standardFinalizers }, at);
  errors.push(...validateObjectMetaUpdate(object.metadata, old.metadata, at, { standardFinalizers }));
  const subresource = request.subresource === '' ? undefined : own(definition.subresources, request.subresource);
  if (subresource?.type === 'object') errors.push(...(subresource.validateUpdate?.(object, old, strategy) ?? []));
  else errors.push(...(definition.validateUpdate?.(object, old, strategy) ?? []));
  if (errors.length > 0) throw invalid({ group: definition.group, kind: definition.kind }, object.metadata.name, errors);
  const warn = subresource?.type === 'object' ? subresource.warnings : definition.warnings;
  for (const warning of warn?.(object, old, strategy) ?? []) request.context.warn(warning);
}

/** No finalizer left on an object whose deletion waited for nothing else. */
function vanishes(object: StoredObject, old: StoredObject): boolean {
  if ((object.metadata.finalizers?.length ?? 0) > 0 || old.metadata.deletionTimestamp === undefined) return false;
  return (old.metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

function isSame(apiVersion: string, value: Buffer, current: CacheEntry, object: StoredObject, old: StoredObject): boolean {
  if (current.apiVersion !== apiVersion) return false;
  const relation = compareStored(value, current.json);
  return relation === 'same' || (relation === 'same-length' && sameJson({ ...object, apiVersion: 0, kind: 0 }, { ...old, apiVersion: 0, kind: 0 }));
}

async function commit(storage: Storage, request: WriteRequest, key: string, current: CacheEntry, object: StoredObject, old: StoredObject): Promise<Written> {
  const { stored } = request.resource;
  const { definition } = stored;
  const { store } = storage.cacher;
  const value = encodeStored(stored, object);
  const entryAt = (revision: number): CacheEntry => storage.cacher.entryOf({ key, value, createRevision: current.createRevision, modRevision: revision });
  if (vanishes(object, old) && !definition.finalizeOnDelete?.(object)) {
    if (!request.options.dryRun) {
      await store.delete(key, current.revision);
      for (const hook of stored.hooks) await hook.afterDelete?.(object);
    }
    return { entry: entryAt(current.revision), created: false, deleted: true };
  }
  // What changes nothing is still written where the value is stored in a form that shall go (another key).
  if (isSame(stored.apiVersion, value, current, object, old) && !(store.stale && (await store.stale(key)))) return { entry: current, created: false };
  if (request.options.dryRun) return { entry: entryAt(current.revision), created: false };
  checkStoredSize(value);
  const ttlSeconds = definition.ttlSeconds?.(object);
  const revision = await store.update(key, value, current.revision, ttlSeconds ? { ttlSeconds } : {});
  return { entry: storage.cacher.written({ key, value, createRevision: current.createRevision, modRevision: revision }), created: false };
}

/** A PUT names the object in its path and in its body; both must say the same. */
export function checkName(object: StoredObject, name: string, namespace: string): void {
  const { metadata } = object;
  if (!metadata.name) throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (metadata.name !== name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if (namespace !== '' && metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}
