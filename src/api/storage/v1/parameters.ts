/** What several kinds of this group share. Source of the rule: upstream's `storage/validation`. */

import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, required, tooLong } from '../../../apimachinery/fieldpath.ts';
import { validateQualifiedNameField } from '../../../apimachinery/validation/common.ts';

const mostParameters = 512;
const longestParameters = 256 * 1024;

/** The name of a driver or provisioner. */
export const validateProvisioner = (name: string | undefined, path: FieldPath): FieldError[] =>
  name ? validateQualifiedNameField(name.toLowerCase(), path) : [required(path)];

/** Bytes of all keys and values. */
export const sizeOf = (map: Readonly<Record<string, string>>): number =>
  Object.entries(map).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);

export function validateParameters(parameters: Readonly<Record<string, string>> | undefined, allowEmpty: boolean, path: FieldPath): FieldError[] {
  const keys = Object.keys(parameters ?? {});
  if (keys.length > mostParameters) return [tooLong(path, mostParameters)];
  const errors = keys.includes('') ? [invalidValue(path, '', 'field can not be empty.')] : [];
  if (sizeOf(parameters ?? {}) > longestParameters) errors.push(tooLong(path, longestParameters));
  if (!allowEmpty && keys.length === 0) errors.push(required(path, 'must contain at least one key/value pair'));
  return errors;
}
