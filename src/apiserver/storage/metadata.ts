/** Rules about `metadata` that hold for every kind. Source: apiserver `registry/rest`. */
import { randomUUID } from 'node:crypto';
import { badRequest } from '../../apimachinery/errors.ts';
import { timeOf } from '../../apimachinery/meta.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import type { RequestContext } from '../context.ts';

/** The object is in the namespace of the request, or says none; with cluster-scoped kinds `namespace` is `''`. */
export function ensureNamespace(object: StoredObject, namespace: string): void {
  const { metadata } = object;
  const own = metadata.namespace ?? '';
  if (own === namespace) return;
  if (own === '') metadata.namespace = namespace;
  else if (namespace === '') delete metadata.namespace;
  else throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

/** What the server alone decides about a new object. */
export function fillSystemFields(object: StoredObject, now: Date): void {
  const { metadata } = object;
  metadata.uid = randomUUID();
  metadata.creationTimestamp = timeOf(now);
  wipeSystemFields(object);
}

/** On a new object a client says nothing of deletion; so nobody comes to own it. */
export function wipeSystemFields({ metadata }: StoredObject): void {
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
}

/** The same owner twice is one owner too many: it is dropped with a warning. */
export function dedupeOwnerReferences(object: StoredObject, context: RequestContext): void {
  const references = object.metadata.ownerReferences;
  if (!references || references.length < 2) return;
  const seen = new Set<string>();
  const kept = references.filter((reference) => {
    const key = JSON.stringify([reference.apiVersion, reference.kind, reference.name, reference.uid, reference.controller, reference.blockOwnerDeletion]);
    if (seen.has(key)) {
      context.warn(
        `.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${reference.uid}`,
      );
      return false;
    }
    seen.add(key);
    return true;
  });
  object.metadata.ownerReferences = kept;
}

/** On an update: what a client may not change, and what it may leave out. */
export function keepSystemFields(object: StoredObject, old: StoredObject): void {
  const { metadata } = object;
  const before = old.metadata;
  if (!metadata.uid && before.uid !== undefined) metadata.uid = before.uid;
  if (before.creationTimestamp !== undefined) metadata.creationTimestamp = before.creationTimestamp;
  if (before.deletionTimestamp !== undefined) metadata.deletionTimestamp = before.deletionTimestamp;
  if (before.deletionGracePeriodSeconds !== undefined) metadata.deletionGracePeriodSeconds ??= before.deletionGracePeriodSeconds;
  delete metadata.selfLink;
}

/** Equal whatever the order of fields. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  }
  if (Array.isArray(b)) return false;
  const left = Object.keys(a);
  if (left.length !== Object.keys(b).length) return false;
  return left.every((key) => Object.hasOwn(b, key) && sameJson((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}
