/** The types of built-in objects as CEL types, so that expressions can be checked against them. */

import type { Library } from '../../apimachinery/cel/environment.ts';
import type { FieldType, Struct } from '../../apimachinery/schema.ts';

const typeName = (struct: Struct): string => struct.name.replaceAll(/[^A-Za-z0-9]/g, '_');

/** Names of registered types; those that are being made stand for cycles, which are left open. */
type Known = Map<string, 'making' | 'made'>;

/** Where JSON allows several shapes, or CEL has a type of its own for a string, anything goes. */
function celType(type: FieldType, register: (struct: Struct) => string): string {
  switch (type.type) {
    case 'boolean':
      return 'bool';
    case 'integer':
      return 'int';
    case 'number':
      return 'double';
    case 'string':
      return type.format ? 'dyn' : 'string';
    case 'array':
      return `list<${celType(type.items, register)}>`;
    case 'map':
      return `map<string, ${celType(type.values, register)}>`;
    case 'object':
      return type.struct.preserveUnknown ? 'dyn' : register(type.struct);
    case 'any':
      return 'dyn';
  }
}

/** Registers the struct and all that it refers to. */
export const typesOf =
  (root: Struct): Library =>
  (environment) => {
    const known: Known = new Map();
    const register = (struct: Struct): string => {
      const name = typeName(struct);
      const state = known.get(name);
      if (state === 'made') return name;
      if (state === 'making') return 'dyn';
      known.set(name, 'making');
      const fields = Object.fromEntries([...struct.fields.values()].map((field) => [field.name, celType(field.type, register)]));
      environment.registerType(name, { fields });
      known.set(name, 'made');
      return name;
    };
    register(root);
  };

export const typeNameOf = typeName;
