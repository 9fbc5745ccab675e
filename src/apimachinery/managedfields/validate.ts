/** Whether an applied configuration fits its type, in the words of upstream's typed values. */

import { isRawNumber } from '../codec/number.ts';
import type { ArrayType, FieldType, Struct } from '../schema.ts';
import { elementOfItem, ItemError, isMap, showElement } from './element.ts';
import { deduced, fieldTypeOf, rootType } from './types.ts';

/** Everything that is wrong, one text; empty when all is well. */
export function typeErrors(struct: Struct, value: unknown): string {
  const errors: string[] = [];
  check(rootType(struct), value, '', errors);
  if (errors.length <= 1) return errors[0] ?? '';
  return `errors:\n${errors.map((error) => `  ${error}`).join('\n')}`;
}

const at = (path: string, message: string): string => (path === '' ? message : `${path}: ${message}`);

function check(type: FieldType, value: unknown, path: string, errors: string[]): void {
  if (value === null || value === undefined) return;
  switch (type.type) {
    case 'object':
    case 'map':
      if (!isMap(value)) errors.push(at(path, `expected map, got &{${goText(value)}}`));
      else checkMap(type, value, path, errors);
      return;
    case 'array':
      if (!Array.isArray(value)) errors.push(at(path, `expected list, got &{${goText(value)}}`));
      else checkList(type, value, path, errors);
      return;
    case 'any':
      if (isMap(value)) for (const name in value) check(deduced, value[name], `${path}.${name}`, errors);
      return;
    default:
      checkScalar(type, value, path, errors);
  }
}

function checkMap(type: FieldType, value: Record<string, unknown>, path: string, errors: string[]): void {
  for (const name of Object.keys(value)) {
    const field = fieldTypeOf(type, name);
    if (field === undefined) {
      // Upstream names one of them.
      errors.push(at(`${path}.${name}`, 'field not declared in schema'));
      return;
    }
    check(field, value[name], `${path}.${name}`, errors);
  }
}

function checkList(type: ArrayType, list: readonly unknown[], path: string, errors: string[]): void {
  const seen = new Set<string>();
  list.forEach((item, index) => {
    if (type.list === 'atomic') {
      check(type.items, item, `${path}[${index}]`, errors);
      return;
    }
    let element: string;
    try {
      element = elementOfItem(type, item);
    } catch (error) {
      if (!(error instanceof ItemError)) throw error;
      errors.push(at(path, `element ${index}: ${error.message}`));
      return;
    }
    if (seen.has(element)) errors.push(at(path, `duplicate entries for key ${showElement(element)}`));
    seen.add(element);
    check(type.items, item, `${path}${showElement(element)}`, errors);
  });
}

function checkScalar(type: Extract<FieldType, { type: 'string' | 'boolean' | 'integer' | 'number' }>, value: unknown, path: string, errors: string[]): void {
  const number = typeof value === 'number' || isRawNumber(value);
  switch (type.type) {
    case 'string':
      if (type.format === 'quantity' || type.format === 'int-or-string') {
        if (typeof value !== 'string' && !number) errors.push(at(path, `expected any scalar, got &{${goText(value)}}`));
      } else if (typeof value !== 'string') errors.push(at(path, `expected string, got &value.valueUnstructured{Value:${goText(value)}}`));
      return;
    case 'boolean':
      if (typeof value !== 'boolean') errors.push(at(path, `expected boolean, got &{${goText(value)}}`));
      return;
    default:
      if (!number) errors.push(at(path, `expected numeric (int or float), got ${goType(value)}`));
  }
}

function goType(value: unknown): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

const goText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
