/**
 * Server-side apply: merges what a manager applies, removes what it no longer mentions, and records what it owns.
 * Source of the rules: KEP-555, apimachinery `util/managedfields`, structured-merge-diff.
 */
import { DecodeError } from '../decode/errors.ts';
import { decodeObject } from '../decode/object.ts';
import { deepEqual } from '../equality.ts';
import { badRequest, StatusError } from '../errors.ts';
import { type KubeObject, parseApiVersion, timeOf } from '../meta.ts';
import type { Struct } from '../schema.ts';
import { fieldsOf } from './compare.ts';
import { type Conflict, conflictError, listConflicts } from './conflict.ts';
import { isMap } from './element.ts';
import { isEmptySet } from './fieldset.ts';
import { allowedByLastApplied, syncLastApplied } from './lastapplied.ts';
import { decodeManagers, encodeManagers, identityOf, type Manager, type Managers } from './managers.ts';
import { merge } from './merge.ts';
import { fitManagers, resetSetOf, stripMeta, takeOver, typeOfStruct, type Versioned, withoutReset } from './ownership.ts';
import { prune } from './prune.ts';
import { type FieldManagerInput, recordUpdate, withoutManagedFields, zeroObject } from './update.ts';
import { typeErrors } from './validate.ts';

export interface ApplyInput extends FieldManagerInput {
  kind: string;
  /** What stands, in the version of `apiVersion`; absent when the apply creates. */
  live: KubeObject | undefined;
  /** What the client sent, as it was parsed: not decoded, not defaulted. It is left alone. */
  applied: KubeObject;
  /** Takes fields from others instead of failing. */
  force: boolean;
}

/**
 * The object that results, with its managed fields; defaults are the caller's business. Throws a 409 with one cause per field
 * that somebody else owns, 400 for another type of object, 500 (as upstream does) for fields that the type does not know.
 */
export function applyServerSide(input: ApplyInput): KubeObject {
  checkApplied(input);
  const { struct, apiVersion, applied } = input;
  const stored = input.live ?? zeroObject(struct, applied);
  const managers = decodeManagers(stored.metadata.managedFields);
  if (managers === undefined) throw new StatusError(500, '', 'failed to decode managed fields: invalid entry');
  const live: Versioned = { apiVersion, struct, object: withoutManagedFields(stored) };
  // What was there before anybody applied has an owner too, so that the first apply does not silently take it.
  if (managers.size === 0 && input.live !== undefined) {
    recordUpdate(managers, { ...input, subresource: input.subresource, manager: 'before-first-apply', old: undefined, new: live.object });
  }
  fitManagers(managers, live, input.convert);

  let result = attempt(input, live, managers, input.force);
  if (result.conflicts.length > 0) {
    const left = input.manager === 'kubectl' ? stillConflicting(result.conflicts, live, struct, apiVersion) : result.conflicts;
    if (left.length > 0) throw conflictError(left, managers);
    result = attempt(input, live, managers, true);
  }
  const object = finish(input, struct, result.object.object);
  if (input.manager === 'kubectl') syncLastApplied(object, applied);
  const entries = encodeManagers(result.managers);
  if (entries) object.metadata.managedFields = entries;
  return object;
}

/** Conflicts that client-side apply does not explain. */
function stillConflicting(conflicts: readonly Conflict[], live: Versioned, struct: Struct, apiVersion: string): readonly Conflict[] {
  const allowed = allowedByLastApplied(live.object, struct, apiVersion);
  return allowed === undefined ? conflicts : conflicts.filter(({ path }) => !allowed(path));
}

interface Attempt {
  object: Versioned;
  managers: Managers;
  conflicts: readonly Conflict[];
}

function attempt(input: ApplyInput, live: Versioned, known: Managers, force: boolean): Attempt {
  const { struct, apiVersion, applied, convert } = input;
  const type = typeOfStruct(struct);
  const managers = new Map(known);
  const reset = resetSetOf(input.resetFields);
  const self: Manager = {
    manager: input.manager,
    operation: 'Apply',
    apiVersion,
    subresource: input.subresource,
    fields: withoutReset(fieldsOf(type, applied), reset),
    time: timeOf(input.now),
  };
  const identity = identityOf(self);
  const last = managers.get(identity);
  managers.set(identity, self);
  const merged: Versioned = { apiVersion, struct, object: merge(type, live.object, applied) as KubeObject };
  const object = prune(merged, managers, last, convert);
  const { conflicts } = takeOver(managers, { old: live, changed: object, reset, convert, self: identity }, force);
  if (conflicts.length > 0) return { object, managers, conflicts: listConflicts(conflicts) };
  const fields = stripMeta(self.fields);
  const unchanged = deepEqual(live.object, object.object);
  if (isEmptySet(fields)) managers.delete(identity);
  // Who applies what stands already has no time of its own.
  else if (unchanged) managers.set(identity, { ...self, fields, time: last?.time });
  else managers.set(identity, { ...self, fields });
  return { object, managers, conflicts: [] };
}

/** In the normal form of the type, in memory of its own. */
function finish({ live, apiVersion, kind }: ApplyInput, struct: Struct, object: KubeObject): KubeObject {
  const finished = decoded(struct, object, `${apiVersion}, Kind=${kind}`);
  finished.apiVersion = live?.apiVersion ?? apiVersion;
  finished.kind = live?.kind ?? kind;
  return finished;
}

/** What fits the schema may still be no quantity, time or number of its type; upstream answers 500 then, without a reason. */
function decoded(struct: Struct, object: KubeObject, type: string): KubeObject {
  try {
    return decodeObject<KubeObject>(struct, clone(object), { validation: 'Ignore' }).object;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const { namespace = '', name = '' } = object.metadata;
    const shown = type.includes('/') ? type : `/${type}`;
    throw new StatusError(
      500,
      '',
      `failed to convert new object (${namespace}/${name}; ${shown}) to proper version: unable to convert unstructured object to ${shown}: ${error.message}`,
    );
  }
}

function clone<T>(value: T): T {
  if (Array.isArray(value)) return value.map(clone) as T;
  if (!isMap(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value)) copy[name] = clone(value[name]);
  return copy as T;
}

/** Nothing of what a client applies has been looked at yet. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

function checkApplied({ struct, apiVersion, kind, applied, resetFields: _ }: ApplyInput): void {
  const given = textOf(applied.apiVersion);
  if (given.split('/').length > 2) throw badRequest('invalid object type: /, Kind=');
  const givenKind = textOf(applied.kind);
  const { group, version } = parseApiVersion(given);
  const shown = `${group === '' ? version : `${group}/${version}`}, Kind=${givenKind}`;
  if (given !== apiVersion || givenKind !== kind) throw badRequest(`invalid object type: ${group === '' ? `/${shown}` : shown}`);
  if (applied.metadata?.managedFields !== undefined && applied.metadata.managedFields !== null) throw badRequest('metadata.managedFields must be nil');
  const wrong = typeErrors(struct, applied);
  if (wrong === '') return;
  const name = `${textOf(applied.metadata?.namespace)}/${textOf(applied.metadata?.name)}`;
  throw new StatusError(500, '', `failed to create typed patch object (${name}; ${group === '' ? `/${shown}` : shown}): ${wrong}`);
}
