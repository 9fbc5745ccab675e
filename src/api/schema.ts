/**
 * The schema table of every built-in type: `schema.gen.json`, read struct by struct when it is first asked for.
 *
 * A field is one line of text there: `<type> <number> <flags>`. Types: a scalar's name, `@` and a struct's name, `[]T`, `{}T`
 * (a map of strings to T), `<[]T>` (a list that is a message of its own in protobuf), `any:<form>`, `schema-or-…`.
 * The number is `2/1` for field 1 of the message embedded at 2, `-` for none. Flags: `required`; `ptr` and `keep`
 * (see `Presence`; both together: a pointer that is written as null); `list=…`, `atomic`, `granular`, `patch=<strategy>(<merge key>)`; `go=<type>`; at the end, with spaces in them,
 * `enum=<value>|<value>` (what the documents name, for the innermost text) and `default=<JSON>`.
 */

import { own } from '../apimachinery/own.ts';
import type { ArrayType, Field, FieldType, Presence, Struct } from '../apimachinery/schema.ts';
import table from './schema.gen.json' with { type: 'json' };

interface StructJson {
  kinds?: string[];
  atomic?: boolean;
  unions?: unknown;
  fields: Record<string, string>;
}

const groups = table.groups as Record<string, string>;
const definitions = table.structs as unknown as Record<string, StructJson>;
const structs = new Map<string, Struct>();

const jsonSchemaProps = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
const metaPrefix = 'io.k8s.apimachinery.pkg.apis.meta.v1';

class TableStruct implements Struct {
  readonly name: string;
  readonly atomic?: boolean;
  readonly kinds?: readonly string[];
  readonly unions?: unknown;
  readonly #json: StructJson;
  #fields: ReadonlyMap<string, Field> | undefined;

  constructor(name: string, json: StructJson) {
    this.name = name;
    this.#json = json;
    if (json.atomic) this.atomic = true;
    if (json.kinds) this.kinds = json.kinds;
    if (json.unions) this.unions = json.unions;
  }

  get fields(): ReadonlyMap<string, Field> {
    this.#fields ??= new Map(Object.entries(this.#json.fields).map(([name, line]) => [name, fieldOf(name, line)]));
    return this.#fields;
  }
}

/** The struct of that name in the OpenAPI document, e.g. `io.k8s.api.core.v1.PodSpec`; throws when there is none. */
export function structOf(name: string): Struct {
  const known = structs.get(name);
  if (known) return known;
  const json = own(definitions, name);
  if (!json) throw new Error(`no struct ${name} in the schema table`);
  const struct = new TableStruct(name, json);
  structs.set(name, struct);
  return struct;
}

export const hasStruct = (name: string): boolean => own(definitions, name) !== undefined;

/** Every struct's name, sorted. */
export const structNames = (): string[] => Object.keys(definitions);

/**
 * The struct behind a kind; the kinds of `meta/v1` (Status, DeleteOptions, WatchEvent, …) exist in every group version.
 * `apiVersion` is as in an object: `v1`, `apps/v1`.
 */
export function structOfKind(apiVersion: string, kind: string): Struct | undefined {
  const prefix = own(groups, apiVersion);
  const ofGroup = prefix === undefined ? undefined : `${prefix}.${kind}`;
  if (ofGroup !== undefined && hasStruct(ofGroup)) return structOf(ofGroup);
  const common = `${metaPrefix}.${kind}`;
  return hasStruct(common) ? structOf(common) : undefined;
}

function fieldOf(name: string, line: string): Field {
  const [type = '', number = '-', ...flags] = line.split(/ (?:enum|default)=/, 1)[0]?.split(' ') ?? [];
  const values = / enum=(.*?)(?: default=|$)/.exec(line)?.[1]?.split('|');
  const path = number === '-' ? [] : number.split('/').map(Number);
  const own = path.pop();
  const field: Field = { name, type: typeOf(type, flags, values), presence: presenceOf(flags) };
  if (own !== undefined) field.number = own;
  if (path.length > 0) field.embedded = path;
  if (flags.includes('required')) field.required = true;
  if (flags.includes('ptr') && flags.includes('keep')) field.nullable = true;
  const patch = valueOf(flags, 'patch=');
  if (patch !== undefined) {
    const [, strategies = '', key] = /^([^(]*)(?:\((.*)\))?$/.exec(patch) ?? [];
    if (strategies !== '') field.patchStrategy = strategies.split(',') as ('merge' | 'replace' | 'retainKeys')[];
    if (key !== undefined) field.patchMergeKey = key;
  }
  const goType = valueOf(flags, 'go=');
  if (goType !== undefined) field.goType = goType;
  const preset = line.indexOf(' default=');
  if (preset >= 0) field.default = JSON.parse(line.slice(preset + ' default='.length));
  return field;
}

const valueOf = (flags: readonly string[], prefix: string): string | undefined => flags.find((flag) => flag.startsWith(prefix))?.slice(prefix.length);

function presenceOf(flags: readonly string[]): Presence {
  if (flags.includes('ptr')) return 'pointer';
  return flags.includes('keep') ? 'always' : 'omitempty';
}

function typeOf(text: string, flags: readonly string[], values?: readonly string[]): FieldType {
  if (text.startsWith('<')) return { ...(typeOf(text.slice(1, -1), flags, values) as ArrayType), wrapped: true };
  if (text.startsWith('[]')) return { type: 'array', items: typeOf(text.slice(2), [], values), ...listOf(flags) };
  if (text.startsWith('{}')) return { type: 'map', values: typeOf(text.slice(2), [], values), ...atomicity(flags) };
  if (text.startsWith('@')) return { type: 'object', struct: structOf(text.slice(1)), ...atomicity(flags) };
  switch (text) {
    case 'string':
      return values ? { type: text, enum: values } : { type: text };
    case 'boolean':
      return { type: text };
    case 'int32':
    case 'int64':
      return { type: 'integer', format: text };
    case 'double':
      return { type: 'number', format: 'double' };
    case 'date-time':
    case 'micro-time':
    case 'byte':
    case 'quantity':
    case 'int-or-string':
    case 'duration':
      return { type: 'string', format: text };
    case 'any:raw-extension':
      return { type: 'any', form: 'raw-extension' };
    case 'any:fields':
      return { type: 'any', form: 'fields' };
    case 'any:json':
      return { type: 'any', form: 'json' };
    case 'any':
      return { type: 'any' };
    case 'schema-or-array':
      return eitherSchema({ type: 'array', items: { type: 'object', struct: structOf(jsonSchemaProps) }, list: 'atomic' });
    case 'schema-or-bool':
      return eitherSchema({ type: 'boolean' });
    case 'schema-or-strings':
      return eitherSchema({ type: 'array', items: { type: 'string' }, list: 'atomic' });
    default:
      throw new Error(`the schema table has an unknown type ${text}`);
  }
}

const eitherSchema = (or: FieldType): FieldType => ({ type: 'any', either: { struct: structOf(jsonSchemaProps), or } });

function atomicity(flags: readonly string[]): { atomic?: boolean } {
  if (flags.includes('atomic')) return { atomic: true };
  return flags.includes('granular') ? { atomic: false } : {};
}

/** Without a declared list type, the patch strategy decides, as it does for upstream's server-side apply. */
function listOf(flags: readonly string[]): Pick<ArrayType, 'list' | 'keys' | 'inferred'> {
  const declared = valueOf(flags, 'list=');
  if (declared === 'atomic' || declared === 'set') return { list: declared };
  if (declared !== undefined) return { list: 'map', keys: declared.slice('map('.length, -1).split(',') };
  const [, strategy, key] = /^(merge[^(]*)(?:\((.*)\))?$/.exec(valueOf(flags, 'patch=') ?? '') ?? [];
  if (strategy === undefined) return { list: 'atomic', inferred: true };
  return key === undefined ? { list: 'set', inferred: true } : { list: 'map', keys: [key], inferred: true };
}
