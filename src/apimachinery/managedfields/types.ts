/** How server-side apply sees a type: one value, named fields, a map, or a list whose items have an identity. */
import type { FieldType, Struct } from '../schema.ts';

/** What a value of free form is: maps are merged key by key, all else is one value. */
export const deduced: FieldType = { type: 'any' };

/** The whole value has one owner. */
export function isAtomic(type: FieldType): boolean {
  switch (type.type) {
    case 'object':
      return type.atomic ?? type.struct.atomic ?? false;
    case 'map':
      return type.atomic ?? false;
    case 'array':
      return type.list === 'atomic';
    case 'any':
      return type.form === 'raw-extension';
    default:
      return true;
  }
}

/** The type of a field of an object-shaped value; undefined where nothing is declared and nothing else is allowed. */
export function fieldTypeOf(type: FieldType, name: string): FieldType | undefined {
  switch (type.type) {
    case 'object':
      return type.struct.fields.get(name)?.type ?? (type.struct.preserveUnknown ? deduced : undefined);
    case 'map':
      return type.values;
    case 'any':
      return deduced;
    default:
      return undefined;
  }
}

/** Whether the schema names that field: then owning what is below it does not mean to own the field. */
export const isNamedField = (type: FieldType, name: string): boolean => type.type === 'object' && type.struct.fields.has(name);

export const rootType = (struct: Struct): FieldType => ({ type: 'object', struct, atomic: false });
