/** Deleting: at once, gracefully, or when the last finalizer is gone. Source of the rules: apiserver `registry/rest/delete.go` and `registry/store.go`. */

import type { KindDefinition } from '../../api/kind.ts';
import { copyJson } from '../../apimachinery/copy.ts';
import { conflict, notFound } from '../../apimachinery/errors.ts';
import { timeOf } from '../../apimachinery/meta.ts';
import { RevisionMismatchError } from '../../store/store.ts';
import { encodeStored } from '../cacher/bytes.ts';
import type { CacheEntry } from '../cacher/cacher.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import { runAdmission } from './admit.ts';
import { admissionAttributes } from './create.ts';
import { sameJson } from './metadata.ts';
import { fromStored, prepareServed, servedObject, storedObject } from './objects.ts';
import type { DeleteOptions } from './options.ts';
import type { Storage, WriteRequest } from './types.ts';
import { keyFor } from './types.ts';
import { readCurrent } from './update.ts';

const orphanFinalizer = 'orphan';
const foregroundFinalizer = 'foregroundDeletion';

export interface Deletion {
  /** False when the object stays for a while. */
  deleted: boolean;
  /** The object as it stands, or as it last stood. */
  entry: CacheEntry;
}

export async function deleteObject(storage: Storage, request: WriteRequest, options: DeleteOptions): Promise<Deletion> {
  const { resource, namespace, name } = request;
  const key = keyFor(resource, namespace, name);
  let current = await readCurrent(storage, request, key);
  for (;;) {
    if (!current) throw notFound(resource.groupResource, name);
    try {
      return await deleteOnce(storage, request, options, key, current);
    } catch (error) {
      if (!(error instanceof RevisionMismatchError)) throw error;
      current = error.current ? storage.cacher.entryOf(error.current) : undefined;
    }
  }
}

async function deleteOnce(storage: Storage, request: WriteRequest, options: DeleteOptions, key: string, current: CacheEntry): Promise<Deletion> {
  const { resource } = request;
  const { stored } = resource;
  const { definition } = stored;
  await prepareServed(resource, current);
  const object = storedObject(resource, current);
  const before = copyJson(object);
  checkPreconditions(request, object, options);
  const attributes = admissionAttributes(
    request,
    'DELETE',
    undefined,
    resource.remote ? servedObject(resource, current) : resource.fromStored ? fromStored(resource, copyJson(object)) : before,
  );
  await runAdmission(storage.admission, 'admit', attributes);
  await runAdmission(storage.admission, 'validate', attributes);

  const step = beginGraceful(definition, object, options, request.context.now);
  if (step.type === 'pending') return { deleted: false, entry: current };
  const finalizers = deletionFinalizers(definition, object, options);
  if (finalizers.length > 0) object.metadata.finalizers = finalizers;
  else delete object.metadata.finalizers;
  const finalizes = definition.finalizeOnDelete?.(object) === true;
  const stays = finalizes || finalizers.length > 0;
  // What its own kind holds up knows no grace.
  if (finalizes && step.type === 'now') object.metadata.deletionTimestamp ??= timeOf(request.context.now);
  else if (stays && step.type === 'now') markAsDeleting(object, request.context.now);
  const value = encodeStored(stored, object);
  const entryAt = (revision: number): CacheEntry => storage.cacher.entryOf({ key, value, createRevision: current.createRevision, modRevision: revision });

  if (stays || (step.type === 'graceful' && step.seconds > 0)) {
    if (sameJson(object, before)) return { deleted: false, entry: current };
    const revision = options.dryRun ? current.revision : await storage.cacher.store.update(key, value, current.revision);
    return { deleted: false, entry: entryAt(revision) };
  }
  if (options.dryRun) return { deleted: true, entry: entryAt(current.revision) };
  const revision = await storage.cacher.store.delete(key, current.revision);
  for (const hook of stored.hooks) await hook.afterDelete?.(object);
  return { deleted: true, entry: entryAt(revision) };
}

function checkPreconditions({ resource, name }: WriteRequest, { metadata }: StoredObject, { preconditions }: DeleteOptions): void {
  const of = { group: resource.definition.group, resource: resource.definition.kind };
  if (preconditions?.uid !== undefined && preconditions.uid !== metadata.uid) {
    throw conflict(
      of,
      name,
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== metadata.resourceVersion) {
    throw conflict(
      of,
      name,
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

type GracefulStep = { type: 'now' } | { type: 'graceful'; seconds: number } | { type: 'pending' };

/** Sets deletion time and grace period on the object when it may linger; they can only become shorter. */
function beginGraceful(definition: KindDefinition, object: StoredObject, options: DeleteOptions, now: Date): GracefulStep {
  const { metadata } = object;
  if (!definition.gracePeriodSeconds) return { type: 'now' };
  // Negative values count as one second.
  const requested = options.gracePeriodSeconds !== undefined && options.gracePeriodSeconds < 0 ? 1 : options.gracePeriodSeconds;
  if (metadata.deletionTimestamp !== undefined) {
    const standing = metadata.deletionGracePeriodSeconds ?? 0;
    if (standing === 0) return { type: 'now' };
    if (requested === undefined || requested >= standing) return { type: 'pending' };
    let seconds = requested;
    let time = Date.parse(metadata.deletionTimestamp) + (seconds - standing) * 1000;
    if (time < now.getTime()) {
      time = now.getTime();
      // The time is over, yet the deletion was asked to be graceful: whoever terminates the object still finishes it.
      if (seconds !== 0) seconds = 1;
    }
    metadata.deletionTimestamp = timeOf(new Date(time));
    metadata.deletionGracePeriodSeconds = seconds;
    return { type: 'graceful', seconds };
  }
  const seconds = definition.gracePeriodSeconds(object, requested);
  metadata.deletionTimestamp = timeOf(new Date(now.getTime() + seconds * 1000));
  metadata.deletionGracePeriodSeconds = seconds;
  if ((metadata.generation ?? 0) > 0) metadata.generation = (metadata.generation as number) + 1;
  return { type: 'graceful', seconds };
}

function markAsDeleting(object: StoredObject, now: Date): void {
  const { metadata } = object;
  if (metadata.deletionTimestamp === undefined && (metadata.generation ?? 0) > 0) metadata.generation = (metadata.generation as number) + 1;
  if (metadata.deletionTimestamp === undefined || Date.parse(metadata.deletionTimestamp) > now.getTime()) {
    metadata.deletionTimestamp = timeOf(now);
  }
  metadata.deletionGracePeriodSeconds = 0;
}

/** What the propagation policy adds to and takes from the finalizers. */
function deletionFinalizers(definition: KindDefinition, object: StoredObject, options: DeleteOptions): string[] {
  const existing = object.metadata.finalizers ?? [];
  if (definition.garbageCollection === 'unsupported') return existing;
  let policy: 'Orphan' | 'Foreground' | 'Background';
  if (options.orphanDependents !== undefined) policy = options.orphanDependents ? 'Orphan' : 'Background';
  else if (options.propagationPolicy !== undefined) policy = options.propagationPolicy as typeof policy;
  else if (existing.includes(orphanFinalizer)) policy = 'Orphan';
  else if (existing.includes(foregroundFinalizer)) policy = 'Foreground';
  else policy = definition.garbageCollection === 'orphan' ? 'Orphan' : 'Background';
  const finalizers = existing.filter((finalizer) => finalizer !== orphanFinalizer && finalizer !== foregroundFinalizer);
  if (policy === 'Orphan') finalizers.push(orphanFinalizer);
  if (policy === 'Foreground') finalizers.push(foregroundFinalizer);
  // The same set stays in its order, so that nothing is written.
  const same = finalizers.length === existing.length && finalizers.every((finalizer) => existing.includes(finalizer));
  return same ? existing : finalizers;
}
