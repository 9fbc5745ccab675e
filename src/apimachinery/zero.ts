/** Zero values of typed fields, as upstream's JSON shows them. */
import type { FieldType, Struct } from './schema.ts';

/**
 * A new zero value: `''`, `0`, `false`, `[]`, `{}`, a struct with what it always carries.
 * Undefined for what JSON would show as `null` (times, raw JSON): leaving it out says the same to every client.
 */
export function zeroOf(type: FieldType): unknown {
  switch (type.type) {
    case 'boolean':
      return false;
    case 'integer':
    case 'number':
      return 0;
    case 'array':
      return [];
    case 'map':
      return {};
    case 'object':
      return zeroStruct(type.struct);
    case 'any':
      return undefined;
    case 'string':
      break;
  }
  if (type.format === 'quantity') return '0';
  if (type.format === 'int-or-string') return 0;
  return type.format === undefined || type.format === 'byte' ? '' : undefined;
}

/**
 * What an absent field that JSON always has is filled with. A map is not: Go shows `null` there, and no map says the same.
 */
export const zeroOfAlways = (type: FieldType): unknown => (type.type === 'map' ? undefined : zeroOf(type));

/** A struct with only the fields that are present even when empty. */
export function zeroStruct(struct: Struct): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const field of struct.fields.values()) {
    if (field.presence !== 'always') continue;
    const zero = zeroOfAlways(field.type);
    if (zero !== undefined) object[field.name] = zero;
  }
  return object;
}
