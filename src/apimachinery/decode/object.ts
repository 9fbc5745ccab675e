/**
 * Structural decoding: a parsed JSON value → an object that holds what the struct knows, in upstream's normal form.
 *
 * As upstream's typed decoding does, it drops unknown fields (and reports them), checks types, drops `null` and empty
 * `omitempty` values, fills in fields that JSON always has (an absent list as `[]`), and writes quantities and times
 * canonically. The input is left alone; free-form parts of it are shared with the result.
 */

import { hasDuplicateKeys } from '../codec/json.ts';
import type { Struct } from '../schema.ts';
import { DecodeError } from './errors.ts';
import { strictErrorsOf } from './strict.ts';
import { type Context, decoderOf } from './struct.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface DecodeOptions {
  /** With `Ignore`, unknown and duplicate fields are not looked for. */
  validation: FieldValidation;
  /** The JSON text that the value was parsed from: makes duplicate fields known. */
  text?: string;
  /** Strict errors that the parser found already (YAML's duplicate keys); they come first. */
  prior?: readonly string[];
}

export interface Decoded<T = Record<string, unknown>> {
  object: T;
  /** `unknown field "spec.foo"`, `duplicate field "spec.bar"`, in the order of the text; empty with `Ignore`. */
  strictErrors: string[];
}

/** No more of them are reported. */
const maximumStrictErrors = 100;

/** Throws a {@link DecodeError} with upstream's message when a field has the wrong type. */
export function decodeObject<T = Record<string, unknown>>(struct: Struct, value: unknown, options: DecodeOptions): Decoded<T> {
  const strict = options.validation !== 'Ignore';
  const context: Context = { unknown: strict ? [] : undefined, path: [], fields: [] };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new DecodeError(notAnObject(value));
  const object = decoderOf(struct)(value as Record<string, unknown>, context);
  let found = (context.unknown ?? []).map((path) => `unknown field ${JSON.stringify(path)}`);
  if (strict && options.text !== undefined && hasDuplicateKeys(options.text, value)) found = strictErrorsOf(struct, options.text);
  return { object: object as T, strictErrors: [...(options.prior ?? []), ...new Set(found)].slice(0, maximumStrictErrors) };
}

/** Where upstream looks for `apiVersion` and `kind` before anything else. */
const typeMetaStruct = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

function notAnObject(value: unknown): string {
  const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return `couldn't get version/kind; json parse error: json: cannot unmarshal ${kind} into Go value of type ${typeMetaStruct}`;
}

/** `apiVersion` and `kind` of a body, empty where absent; throws a {@link DecodeError} as upstream does when they are no strings. */
export function typeMetaOf(value: unknown): { apiVersion: string; kind: string } {
  if (value === null) return { apiVersion: '', kind: '' };
  if (typeof value !== 'object' || Array.isArray(value)) throw new DecodeError(notAnObject(value));
  const { apiVersion = '', kind = '' } = value as Record<string, unknown>;
  for (const [name, given] of [
    ['apiVersion', apiVersion],
    ['kind', kind],
  ]) {
    if (typeof given === 'string' || given === null) continue;
    const got = Array.isArray(given) ? 'array' : typeof given === 'boolean' ? 'bool' : typeof given;
    throw new DecodeError(`couldn't get version/kind; json parse error: json: cannot unmarshal ${got} into Go struct field .${name} of type string`);
  }
  return { apiVersion: (apiVersion as string) ?? '', kind: (kind as string) ?? '' };
}
