/**
 * Who owns what after a create, update or patch: upstream's field manager for writes that are no apply.
 * Source of the rules: apimachinery `util/managedfields`.
 */

import type { KubeObject } from '../meta.ts';
import { type ManagedFieldsEntry, timeOf } from '../meta.ts';
import { withNulls } from '../nil.ts';
import type { Struct } from '../schema.ts';
import { zeroStruct } from '../zero.ts';
import { ItemError } from './element.ts';
import { isEmptySet, leaf, union } from './fieldset.ts';
import { capUpdateManagers, decodeManagers, encodeManagers, identityOf, type Manager, type Managers } from './managers.ts';
import { type Convert, fitManagers, resetSetOf, stripMeta, takeOver, type Versioned } from './ownership.ts';

export interface FieldManagerInput {
  /** Of the served version. */
  struct: Struct;
  apiVersion: string;
  /** Who writes; empty counts as `unknown`. */
  manager: string;
  /** Empty for the object's own endpoint. */
  subresource: string;
  /** Dotted paths that this endpoint does not write: nobody comes to own them through it. */
  resetFields?: readonly string[];
  now: Date;
  /** Needed where a kind has several versions. */
  convert?: Convert;
}

export interface UpdateInput extends FieldManagerInput {
  /** What stands; absent on create. */
  old: KubeObject | undefined;
  /** What will be written; its `metadata.managedFields` is replaced. */
  new: KubeObject;
}

/** Records in `new.metadata.managedFields` which fields the write sets. Both objects are in the version of `apiVersion`. */
export function trackUpdate(input: UpdateInput): void {
  const { metadata } = input.new;
  const old = input.old?.metadata.managedFields;
  const managers = startingManagers(metadata.managedFields, old, input.subresource !== '');
  delete metadata.managedFields;
  // An object whose entries were cleared is not tracked again before somebody applies.
  if (managers.size === 0 && input.old?.metadata.uid) return;
  try {
    recordUpdate(managers, input);
  } catch (error) {
    // A list whose items can't be told apart: validation will refuse the object, or nobody owns anything.
    if (error instanceof ItemError) return;
    throw error;
  }
  const entries = encodeManagers(managers);
  if (entries) metadata.managedFields = entries;
}

/** A client may write the entries itself, and clears them with one empty entry; leaving them out keeps them. */
function startingManagers(given: readonly ManagedFieldsEntry[] | undefined, old: readonly ManagedFieldsEntry[] | undefined, onlyOld: boolean): Managers {
  if (!onlyOld && given !== undefined) {
    const [first] = given;
    if (given.length === 1 && first && Object.keys(first).length === 0) return new Map();
    const managers = given.length === 0 ? undefined : decodeManagers(given);
    if (managers) return managers;
  }
  return decodeManagers(old) ?? new Map();
}

/** The same for entries that are decoded already. */
export function recordUpdate(managers: Managers, input: UpdateInput): void {
  const { struct, apiVersion, convert } = input;
  const zero = input.old === undefined ? zeroObject(struct, input.new) : undefined;
  const old: Versioned = { apiVersion, struct, object: withNulls(struct, zero ?? withoutManagedFields(input.old as KubeObject)) };
  if (managers.size > 0) fitManagers(managers, old, convert);
  const reset = resetSetOf(input.resetFields);
  const { found } = takeOver(managers, { old, changed: { apiVersion, struct, object: withNulls(struct, input.new) }, reset, convert, self: '' }, true);
  const fields = stripMeta(union(found.modified, found.added));
  if (!isEmptySet(fields)) {
    const self: Manager = {
      manager: input.manager === '' ? 'unknown' : input.manager,
      operation: 'Update',
      apiVersion,
      subresource: input.subresource,
      fields,
      time: timeOf(input.now),
    };
    const identity = identityOf(self);
    managers.set(identity, { ...self, fields: union(fields, managers.get(identity)?.fields ?? leaf) });
  }
  capUpdateManagers(managers);
}

/** What a new object is compared with: nothing but what upstream's types always carry. */
export function zeroObject(struct: Struct, like: KubeObject): KubeObject {
  const { apiVersion, kind } = like;
  return { ...zeroStruct(struct), ...(apiVersion ? { apiVersion } : {}), ...(kind ? { kind } : {}), metadata: {} as KubeObject['metadata'] };
}

export function withoutManagedFields(object: KubeObject): KubeObject {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
