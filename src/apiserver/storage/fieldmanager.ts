/** Field ownership of every write, as the storage layer asks for it. */
import type { FieldManagerInput } from '../../apimachinery/managedfields/index.ts';
import { keepUnchangedTimes, trackUpdate } from '../../apimachinery/managedfields/index.ts';
import { own } from '../../apimachinery/own.ts';
import type { Struct } from '../../apimachinery/schema.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import type { Resource } from '../registry.ts';
import type { WriteRequest } from './types.ts';

const endpoints = new WeakMap<Resource, Map<string, readonly string[] | undefined>>();

const common = new Set(['apiVersion', 'kind', 'metadata', 'status']);

/** Unless the kind says otherwise: the status from outside, everything else from the status; of a custom resource its metadata too. */
function computeResetFields({ stored: { definition }, struct, custom }: Resource, subresource: string): readonly string[] | undefined {
  const part = subresource === '' ? definition : own(definition.subresources, subresource);
  if (part && 'resetFields' in part) return part.resetFields;
  if (definition.subresources?.['status'] === undefined) return undefined;
  if (subresource !== 'status') return ['status'];
  return [...(custom ? ['metadata'] : []), ...[...struct.fields.keys()].filter((name) => !common.has(name))];
}

/** Fields that an endpoint does not write. */
function resetFieldsOf({ resource, subresource }: WriteRequest): readonly string[] | undefined {
  const known = endpoints.get(resource) ?? new Map<string, readonly string[] | undefined>();
  endpoints.set(resource, known);
  if (!known.has(subresource)) known.set(subresource, computeResetFields(resource, subresource));
  return known.get(subresource);
}

export function fieldManagerInput(request: WriteRequest): FieldManagerInput {
  const { resource, context, fieldManager, subresource } = request;
  const resetFields = resetFieldsOf(request);
  return {
    struct: resource.struct,
    apiVersion: resource.apiVersion,
    manager: fieldManager,
    subresource,
    now: context.now,
    convert: resource.convert,
    ...(resetFields ? { resetFields } : {}),
  };
}

/**
 * Records in `metadata.managedFields` which fields this write sets. Both objects are in the served version;
 * `as`: what they are when they are not of the resource's kind.
 */
export function trackFields(
  request: WriteRequest,
  object: StoredObject,
  old: StoredObject | undefined,
  as: { struct?: Struct; apiVersion?: string } = {},
): void {
  trackUpdate({ ...fieldManagerInput(request), ...as, old, new: object });
}

/** A write that changes nothing but the times in managed fields changes nothing: the old times stay. */
export const keepManagedTimes = (object: StoredObject, old: StoredObject): void => keepUnchangedTimes(object, old);
