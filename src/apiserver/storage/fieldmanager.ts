/** Field ownership of every write, as the storage layer asks for it. */
import type { FieldManagerInput } from '../../apimachinery/managedfields/index.ts';
import { keepUnchangedTimes, trackUpdate } from '../../apimachinery/managedfields/index.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import type { Resource } from '../registry.ts';
import type { WriteRequest } from './types.ts';

/** What is the same for every write through one endpoint of a kind. */
interface Endpoints {
  own: readonly string[];
  status: readonly string[];
}

const endpoints = new WeakMap<Resource, Endpoints>();

const common = new Set(['apiVersion', 'kind', 'metadata', 'status']);

/** Fields that an endpoint does not write: the status from outside, everything else from the status. */
function resetFieldsOf({ resource, subresource }: WriteRequest): readonly string[] | undefined {
  if (resource.definition.subresources?.['status'] === undefined) return undefined;
  let found = endpoints.get(resource);
  if (!found) {
    found = { own: ['status'], status: [...resource.struct.fields.keys()].filter((name) => !common.has(name)) };
    endpoints.set(resource, found);
  }
  return subresource === 'status' ? found.status : found.own;
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

/** Records in `metadata.managedFields` which fields this write sets. Both objects are in the served version. */
export function trackFields(request: WriteRequest, object: StoredObject, old: StoredObject | undefined): void {
  trackUpdate({ ...fieldManagerInput(request), old, new: object });
}

/** A write that changes nothing but the times in managed fields changes nothing: the old times stay. */
export const keepManagedTimes = (object: StoredObject, old: StoredObject): void => keepUnchangedTimes(object, old);
