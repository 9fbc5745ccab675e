/** What a change means for those who own fields. Source of the rules: structured-merge-diff `merge`. */
import type { KubeObject } from '../meta.ts';
import type { FieldType, Struct } from '../schema.ts';
import { compare, type Difference, isSame } from './compare.ts';
import { difference, type FieldSet, intersection, isEmptySet, recursiveDifference, setOfPaths, union } from './fieldset.ts';
import type { Managers } from './managers.ts';
import { fitToSchema } from './remove.ts';
import { rootType } from './types.ts';

/** An object under its own version, with the type that it has there. */
export interface Versioned {
  apiVersion: string;
  struct: Struct;
  object: KubeObject;
}

/** The same object in another version of its kind; undefined when that version does not exist (any more). */
export type Convert = (object: Versioned, apiVersion: string) => Versioned | undefined;

const typeOf = new WeakMap<Struct, FieldType>();

/** The type of whole objects of a struct. */
export function typeOfStruct(struct: Struct): FieldType {
  let type = typeOf.get(struct);
  if (type === undefined) typeOf.set(struct, (type = rootType(struct)));
  return type;
}

/** What is never owned by anybody. */
const stripped = setOfPaths(
  [
    'apiVersion',
    'kind',
    'metadata',
    'metadata.name',
    'metadata.namespace',
    'metadata.creationTimestamp',
    'metadata.selfLink',
    'metadata.uid',
    'metadata.clusterName',
    'metadata.generation',
    'metadata.managedFields',
    'metadata.resourceVersion',
  ].map((path) => path.split('.').map((name) => `f:${name}`)),
);

export const stripMeta = (set: FieldSet): FieldSet => difference(set, stripped);

const resetSets = new WeakMap<readonly string[], FieldSet>();

/** Dotted paths of fields that this endpoint does not write, as a set. */
export function resetSetOf(paths: readonly string[] | undefined): FieldSet | undefined {
  if (paths === undefined || paths.length === 0) return undefined;
  let set = resetSets.get(paths);
  if (set === undefined) resetSets.set(paths, (set = setOfPaths(paths.map((path) => path.split('.').map((name) => `f:${name}`)))));
  return set;
}

export const withoutReset = (set: FieldSet, reset: FieldSet | undefined): FieldSet => (reset === undefined ? set : recursiveDifference(set, reset));

/** Compares, leaving out what this endpoint does not write. */
function compareVersioned(old: Versioned, changed: Versioned, reset: FieldSet | undefined): Difference {
  const found = compare(typeOfStruct(old.struct), old.object, changed.object);
  if (reset === undefined || isSame(found)) return found;
  return { added: withoutReset(found.added, reset), modified: withoutReset(found.modified, reset), removed: withoutReset(found.removed, reset) };
}

/** Every version's entries fitted to the schema as it now is. */
export function fitManagers(managers: Managers, at: Versioned, convert: Convert | undefined): void {
  for (const [identity, one] of managers) {
    const struct = one.apiVersion === at.apiVersion ? at.struct : convert?.(at, one.apiVersion)?.struct;
    if (struct === undefined) continue;
    const fields = fitToSchema(typeOfStruct(struct), one.fields);
    if (fields !== one.fields) managers.set(identity, { ...one, fields });
  }
}

/** Fields that somebody else owns and that this change sets. */
export type Conflicts = { identity: string; fields: FieldSet }[];

export interface Change {
  old: Versioned;
  changed: Versioned;
  reset: FieldSet | undefined;
  convert: Convert | undefined;
  /** Who makes the change; its entry stays as it is. */
  self: string;
}

/**
 * Takes from everybody else what the change sets or removes. Unless forced, gives the conflicts instead and changes nothing.
 * Entries in a version that is gone are dropped.
 */
export function takeOver(managers: Managers, change: Change, force: boolean): { found: Difference; conflicts: Conflicts } {
  const { old, changed, reset, self } = change;
  const found = compareVersioned(old, changed, reset);
  const byVersion = new Map<string, Difference | undefined>([[old.apiVersion, found]]);
  const conflicts: Conflicts = [];
  const taken: [string, FieldSet][] = [];
  for (const [identity, { apiVersion, fields }] of managers) {
    if (identity === self) continue;
    if (!byVersion.has(apiVersion)) byVersion.set(apiVersion, inVersion(change, apiVersion));
    const there = byVersion.get(apiVersion);
    if (there === undefined) {
      taken.push([identity, fields]);
      continue;
    }
    if (isSame(there)) continue;
    const set = union(there.modified, there.added);
    if (!force) {
      const both = intersection(fields, set);
      if (!isEmptySet(both)) conflicts.push({ identity, fields: both });
    }
    taken.push([identity, union(set, there.removed)]);
  }
  if (conflicts.length > 0) return { found, conflicts };
  for (const [identity, lost] of taken) {
    const one = managers.get(identity);
    if (one === undefined) continue;
    const fields = difference(one.fields, lost);
    if (isEmptySet(fields)) managers.delete(identity);
    else if (fields !== one.fields) managers.set(identity, { ...one, fields });
  }
  return { found, conflicts };
}

function inVersion({ old, changed, reset, convert }: Change, apiVersion: string): Difference | undefined {
  const before = convert?.(old, apiVersion);
  const after = convert?.(changed, apiVersion);
  return before && after ? compareVersioned(before, after, reset) : undefined;
}
