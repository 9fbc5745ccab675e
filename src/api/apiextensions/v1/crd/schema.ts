/** The schema of a version, or of all versions. Source of the rules: upstream's `apiextensions/validation`. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue } from '../../../../apimachinery/fieldpath.ts';
import type { CustomResourceValidation, JSONSchemaProps } from '../types.gen.ts';
import { validateDefaults } from './defaults.ts';
import { schemaFields, schemaValue } from './internal.ts';
import { typeAtRoot, validateOpenApi, wrongAtRoot } from './openapi.ts';
import { validateTotal } from './rules/validation.ts';
import { unsupportedField, validateStructural } from './structural.ts';

const isSet = (value: unknown): boolean => value !== undefined && value !== '' && value !== false && !(Array.isArray(value) && value.length === 0);

function validateRootForStatus(schema: JSONSchemaProps, at: FieldPath): FieldError[] {
  for (const [name, shown] of schemaFields) {
    if (!isSet(schema[name])) continue;
    if (name === 'type') {
      if (schema.type !== 'object') return [typeAtRoot(at.child('type'), schema.type ?? '')];
      continue;
    }
    const wrong = wrongAtRoot([shown]);
    if (wrong) return [invalidValue(at, schemaValue(schema), wrong)];
  }
  return [];
}

export interface SchemaOptions {
  status: boolean;
  /** What stood before was not structural or had defaults that are no values of it: it is not judged again. */
  lenient: boolean;
  unchanged: boolean;
}

/** `at` is the place of what holds `openAPIV3Schema`. */
export function validateVersionSchema(
  holder: CustomResourceValidation | undefined,
  { status, lenient, unchanged }: SchemaOptions,
  at: FieldPath,
): FieldError[] {
  const schema = holder?.openAPIV3Schema;
  if (!schema) return [];
  const schemaAt = at.child('openAPIV3Schema');
  const errors = status ? validateRootForStatus(schema, schemaAt) : [];
  if (schema.nullable) errors.push(forbiddenField(schemaAt.child('nullable'), 'nullable cannot be true at the root'));
  const unsupported = unsupportedField(schema);
  let structural: FieldError[] = [];
  if (unsupported === undefined) {
    structural = validateStructural(schema, schemaAt);
    if (structural.length === 0 && !lenient) structural = validateDefaults(schema, schemaAt);
    if (!lenient) errors.push(...structural);
  }
  const total = { sum: 0, rules: [] };
  errors.push(...validateOpenApi(schema, schemaAt, unsupported === undefined && structural.length === 0, unchanged, total));
  if (errors.length === 0 && unsupported !== undefined && !lenient) errors.push(invalidValue(schemaAt, '', unsupported));
  return [...errors, ...validateTotal(total, schemaAt)];
}

/** Whether something stands there that would be refused today. */
export const isLenient = (holder: CustomResourceValidation | undefined, at: FieldPath): boolean => {
  const schema = holder?.openAPIV3Schema;
  if (!schema) return false;
  return unsupportedField(schema) !== undefined || validateStructural(schema, at).length > 0;
};
