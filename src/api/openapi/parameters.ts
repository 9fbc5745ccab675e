/** Parameters of operations: of paths by name, of queries as the structs of upstream's options have them. */
import type { FieldType } from '../../apimachinery/schema.ts';
import { structOf } from '../schema.ts';

export interface Parameter {
  name: string;
  in: 'path' | 'query';
  type: 'string' | 'integer' | 'number' | 'boolean';
  /** Absent: the words of the declarations, by name. */
  description?: string;
}

const inPath = (name: string, description?: string): Parameter => ({ name, in: 'path', type: 'string', ...(description ? { description } : {}) });

export const namespaceParameter = inPath('namespace');
export const pathParameter = inPath('path', 'path to the resource');
export const nameParameter = (kind: string): Parameter => inPath('name', `name of the ${kind}`);
export const prettyParameter: Parameter = { name: 'pretty', in: 'query', type: 'string' };

/** How a field is written in a query; lists are repeated, and times and structs are never there. */
function queryType(type: FieldType): Parameter['type'] | undefined {
  switch (type.type) {
    case 'array':
      return queryType(type.items);
    case 'string':
      return type.format === undefined ? 'string' : undefined;
    case 'boolean':
    case 'integer':
    case 'number':
      return type.type;
    default:
      return undefined;
  }
}

const known = new Map<string, readonly Parameter[]>();

/** The fields of a struct as query parameters. */
export function parametersOf(struct: string): readonly Parameter[] {
  const found = known.get(struct);
  if (found) return found;
  const parameters: Parameter[] = [];
  for (const { name, type } of structOf(struct).fields.values()) {
    const written = name === 'kind' || name === 'apiVersion' ? undefined : queryType(type);
    if (written) parameters.push({ name, in: 'query', type: written });
  }
  known.set(struct, parameters);
  return parameters;
}

/** Those of an options struct of `meta/v1`: `List`, `Create`, … */
export const optionsOf = (name: string): readonly Parameter[] => parametersOf(`io.k8s.apimachinery.pkg.apis.meta.v1.${name}Options`);
