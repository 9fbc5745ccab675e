import { deepEqual } from '../../../apimachinery/equality.ts';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, path, tooLong, unnamedField } from '../../../apimachinery/fieldpath.ts';
import { validateConfigMapKey } from '../../../apimachinery/names.ts';
import { checked } from '../../../apimachinery/validation/common.ts';
import { ageColumn, keysColumn, nameColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import type { ConfigMap } from './types.gen.ts';

/** A mebibyte: what fits into one request to etcd. Of ConfigMaps and Secrets, in bytes. */
export const maxDataSize = 1024 * 1024;

/** Once `immutable` is set, neither it nor the data can be changed. Of ConfigMaps and Secrets. */
export function validateImmutableData<F extends string>(
  object: { immutable?: boolean } & { [field in F]?: unknown },
  old: { immutable?: boolean } & { [field in F]?: unknown },
  fields: readonly F[],
): FieldError[] {
  if (!old.immutable) return [];
  const why = 'field is immutable when `immutable` is set';
  const changed = fields.filter((field) => !deepEqual(object[field] ?? {}, old[field] ?? {}));
  return [...(object.immutable ? [] : ['immutable']), ...changed].map((field) => forbiddenField(path(field), why));
}

function validateConfigMap({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    const at = path('data').key(key);
    errors.push(...checked(key, at, validateConfigMapKey(key)));
    if (Object.hasOwn(binaryData, key)) errors.push(invalidValue(at, key, 'duplicate of key present in binaryData'));
    size += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    errors.push(...checked(key, path('binaryData').key(key), validateConfigMapKey(key)));
    size += Buffer.byteLength(value, 'base64');
  }
  // The whole is too long, no field of it.
  if (size > maxDataSize) errors.push(tooLong(unnamedField, maxDataSize));
  return errors;
}

export const configmaps = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.ConfigMap',
  validate: validateConfigMap,
  validateUpdate: (map, old) => [...validateImmutableData(map, old, ['data', 'binaryData']), ...validateConfigMap(map)],
  columns: [nameColumn, keysColumn(({ data, binaryData }) => Object.keys({ ...data }).length + Object.keys({ ...binaryData }).length), ageColumn],
});
