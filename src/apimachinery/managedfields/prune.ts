/** What an applier no longer mentions goes, where nobody else owns it. Source of the rules: structured-merge-diff `merge`. */

import type { KubeObject } from '../meta.ts';
import { fieldsOf } from './compare.ts';
import { difference, type FieldSet, intersection, isEmptySet, leaf, union } from './fieldset.ts';
import type { Manager, Managers } from './managers.ts';
import { type Convert, typeOfStruct, type Versioned } from './ownership.ts';
import { removeFields, withNamedFields } from './remove.ts';

/** `merged` without the fields of `last`, the applier's previous entry, that nobody owns now. */
export function prune(merged: Versioned, managers: Managers, last: Manager | undefined, convert: Convert | undefined): Versioned {
  if (last === undefined || isEmptySet(last.fields)) return merged;
  const before = inVersion(merged, last.apiVersion, convert);
  if (before === undefined) return merged;
  const type = typeOfStruct(before.struct);
  const bare = without(before, withNamedFields(type, last.fields));
  const owned = addBackOwned(before, bare, managers, convert);
  const back = owned && inVersion(owned, before.apiVersion, convert);
  if (back === undefined) return merged;
  const gone = difference(allFields(before), allFields(back));
  const pruned = without(before, intersection(gone, withNamedFields(type, last.fields)));
  return inVersion(pruned, merged.apiVersion, convert) ?? merged;
}

const inVersion = (object: Versioned, apiVersion: string, convert: Convert | undefined): Versioned | undefined =>
  object.apiVersion === apiVersion ? object : convert?.(object, apiVersion);

const without = (object: Versioned, set: FieldSet): Versioned => ({
  ...object,
  object: removeFields(typeOfStruct(object.struct), object.object, set) as KubeObject,
});

function allFields({ struct, object }: Versioned): FieldSet {
  const type = typeOfStruct(struct);
  return withNamedFields(type, fieldsOf(type, object));
}

/** Puts back what somebody still owns: first in the version that was pruned, so that later conversions find what they need. */
function addBackOwned(merged: Versioned, pruned: Versioned, managers: Managers, convert: Convert | undefined): Versioned | undefined {
  const byVersion = new Map<string, FieldSet>([[pruned.apiVersion, leaf]]);
  for (const { apiVersion, fields } of managers.values()) byVersion.set(apiVersion, union(byVersion.get(apiVersion) ?? leaf, fields));
  let result: Versioned = pruned;
  for (const [apiVersion, owned] of byVersion) {
    const whole = inVersion(merged, apiVersion, convert);
    const bare = inVersion(result, apiVersion, convert);
    if (whole === undefined || bare === undefined) continue;
    const kept = union(allFields(bare), withNamedFields(typeOfStruct(whole.struct), owned));
    result = without(whole, difference(allFields(whole), kept));
  }
  return result;
}
