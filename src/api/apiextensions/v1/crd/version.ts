/** What one version declares beside its schema. Source of the rules: upstream's `apiextensions/validation`. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, invalidValue, required, tooMany } from '../../../../apimachinery/fieldpath.ts';
import type { CustomResourceColumnDefinition, CustomResourceSubresources, CustomResourceValidation, SelectableField } from '../types.gen.ts';
import { resolvePath } from './path.ts';

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const maxSelectable = 8;

const simplePath = (text: string, at: FieldPath): FieldError[] =>
  text.startsWith('.') ? [] : [invalidValue(at, text, 'must be a simple json path starting with .')];

export function validateColumn({ name, type, format, jsonPath }: CustomResourceColumnDefinition, at: FieldPath): FieldError[] {
  const errors = name ? [] : [required(at.child('name'))];
  const oneType = `must be one of ${columnTypes.join(',')}`;
  if (!type) errors.push(required(at.child('type'), oneType));
  else if (!columnTypes.includes(type)) errors.push(invalidValue(at.child('type'), type, oneType));
  if (format && !columnFormats.includes(format)) errors.push(invalidValue(at.child('format'), format, `must be one of ${columnFormats.join(',')}`));
  const pathAt = at.child('JSONPath');
  return [...errors, ...(jsonPath ? simplePath(jsonPath, pathAt) : [required(pathAt)])];
}

export function validateDeprecationWarning(deprecated: boolean | undefined, warning: string | undefined, at: FieldPath): FieldError[] {
  if (warning === undefined) return [];
  const wrong: string[] = [];
  if (!deprecated) wrong.push('can only be set for deprecated versions');
  else {
    if (Buffer.byteLength(warning) > 256) wrong.push('must be <= 256 characters long');
    if (warning === '') wrong.push('must not be an empty string');
    const bad = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(warning);
    if (bad)
      wrong.push(`must only contain printable UTF-8 characters; non-printable character found at index ${Buffer.byteLength(warning.slice(0, bad.index))}`);
  }
  return wrong.map((detail) => invalidValue(at, warning, detail));
}

export function validateSubresources(subresources: CustomResourceSubresources | undefined, at: FieldPath): FieldError[] {
  const { scale } = subresources ?? {};
  if (!scale) return [];
  const errors: FieldError[] = [];
  for (const [field, prefix] of [
    ['specReplicasPath', '.spec'],
    ['statusReplicasPath', '.status'],
  ] as const) {
    const text = scale[field];
    const fieldAt = at.child('scale', field);
    if (!text) errors.push(required(fieldAt));
    else if (!text.startsWith('.')) errors.push(...simplePath(text, fieldAt));
    else if (!text.startsWith(`${prefix}.`)) errors.push(invalidValue(fieldAt, text, `should be a json path under ${prefix}`));
  }
  const { labelSelectorPath: selector } = scale;
  if (!selector) return errors;
  const selectorAt = at.child('scale', 'labelSelectorPath');
  if (!selector.startsWith('.')) return [...errors, ...simplePath(selector, selectorAt)];
  if (/^\.(spec|status)\./.test(selector)) return errors;
  return [...errors, invalidValue(selectorAt, selector, 'should be a json path under either .spec or .status')];
}

/** `kept`: there were too many before, and they are the same. */
export function validateSelectableFields(
  fields: readonly SelectableField[] | undefined,
  holder: CustomResourceValidation | undefined,
  kept: boolean,
  at: FieldPath,
): FieldError[] {
  const schema = holder?.openAPIV3Schema;
  if (!fields?.length || !schema) return [];
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { jsonPath }] of fields.entries()) {
    const pathAt = at.index(index).child('jsonPath');
    if (!jsonPath) {
      errors.push(required(pathAt));
      continue;
    }
    const found = resolvePath(jsonPath, schema, false);
    if (typeof found === 'string') {
      errors.push(invalidValue(pathAt, jsonPath, `is an invalid path: ${found}`));
      continue;
    }
    if (found.steps[0] === 'metadata') errors.push(invalidValue(pathAt, jsonPath, 'must not point to fields in metadata'));
    if (!['string', 'boolean', 'integer'].includes(found.schema?.type ?? '')) {
      const detail = 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
      errors.push(invalidValue(pathAt, jsonPath, detail));
    }
    const shortest = found.steps.join('.');
    if (seen.has(shortest)) errors.push(duplicate(pathAt, jsonPath));
    seen.add(shortest);
  }
  return seen.size > maxSelectable && !kept ? [...errors, tooMany(at, seen.size, maxSelectable)] : errors;
}
