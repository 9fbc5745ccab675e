/** Mutations as apply configurations: merged into the object by the lists' own keys, as server-side apply merges. */
import { CelStruct, jsonValue } from '../../../apimachinery/cel/values.ts';
import { merge } from '../../../apimachinery/managedfields/merge.ts';
import { typeOfStruct } from '../../../apimachinery/managedfields/ownership.ts';
import type { KubeObject } from '../../../apimachinery/meta.ts';
import type { FieldType, Struct } from '../../../apimachinery/schema.ts';

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A literal must be named by the path of the field that it stands in: `Object.spec{…}` for `spec`. */
function checkNames(value: unknown, path: string): void {
  if (Array.isArray(value)) for (const one of value) checkNames(one, path);
  if (!(value instanceof CelStruct)) return;
  if (value.type !== path)
    throw new Error(
      `type mismatch: unexpected type name ${JSON.stringify(value.type)}, expected ${JSON.stringify(path)}, which matches field name path from root Object type`,
    );
  for (const [name, one] of Object.entries(value.fields)) checkNames(one, `${path}.${name}`);
}

/** What would replace more than it names. */
function atomics(type: FieldType | undefined, value: unknown, path: string): string[] {
  if (!type) return [];
  if (Array.isArray(value) && type.type === 'array')
    return [...(type.list === 'atomic' ? [path] : []), ...value.flatMap((one, index) => atomics(type.items, one, `${path}[${index}]`))];
  if (!isFields(value)) return [];
  if (type.type === 'map')
    return [...(type.atomic ? [path] : []), ...Object.entries(value).flatMap(([name, one]) => atomics(type.values, one, `${path}.${name}`))];
  if (type.type !== 'object') return [];
  const { struct } = type;
  return [
    ...((type.atomic ?? struct.atomic) ? [path] : []),
    ...Object.entries(value).flatMap(([name, one]) => atomics(struct.fields.get(name)?.type, one, `${path}.${name}`)),
  ];
}

/** @param configuration what the expression gave. @throws `Error` when it is no `Object{…}` that can be merged */
export function applyConfiguration(struct: Struct, object: KubeObject, configuration: unknown): KubeObject {
  if (!(configuration instanceof CelStruct)) throw new Error(`unsupported return type from ApplyConfiguration expression: ${typeof configuration}`);
  checkNames(configuration, 'Object');
  const { apiVersion, kind } = object;
  const patch = { ...(jsonValue(configuration) as Fields), ...(apiVersion ? { apiVersion } : {}), ...(kind ? { kind } : {}) };
  const type = typeOfStruct(struct);
  const replaced = atomics(type, patch, '');
  if (replaced.length > 0)
    throw new Error(`error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${replaced.join(', ')}`);
  return merge(type, object, patch) as KubeObject;
}
