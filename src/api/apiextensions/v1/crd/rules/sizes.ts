/** How many elements a value of a schema can have at most, given how big a request may be. Source of the rule: apiserver `cel/common`. */
import type { JSONSchemaProps } from '../../types.gen.ts';

const maxRequestBytes = 3 * 1024 * 1024;

/** Bytes of the smallest text for them. */
const smallest: Readonly<Record<string, number>> = { integer: 1, number: 1, boolean: 4, string: 2, array: 2, object: 2 };
const smallestOfFormat: Readonly<Record<string, number>> = { duration: 3, date: 12, 'date-time': 22 };

export const isSchema = (value: unknown): value is JSONSchemaProps => typeof value === 'object' && value !== null && !Array.isArray(value);

export const itemsOf = ({ items }: JSONSchemaProps): JSONSchemaProps | undefined => (isSchema(items) ? (items as JSONSchemaProps) : undefined);

export const valuesOf = ({ additionalProperties }: JSONSchemaProps): JSONSchemaProps | undefined =>
  isSchema(additionalProperties) ? additionalProperties : undefined;

function minSize(schema: JSONSchemaProps): number {
  if (schema['x-kubernetes-int-or-string']) return 1;
  if (schema.type === 'string') return smallestOfFormat[schema.format ?? ''] ?? 2;
  const base = smallest[schema.type ?? ''] ?? 1;
  if (schema.type !== 'object') return base;
  const properties = Object.entries(schema.properties ?? {}).filter(([name, { default: value }]) => schema.required?.includes(name) && value === undefined);
  return properties.reduce((sum, [name, inner]) => sum + name.length + minSize(inner) + 4, base);
}

/** What the schema itself allows: 1 for what has no elements, undefined for what has as many as one likes. */
export function declaredElements(schema: JSONSchemaProps): number | undefined {
  if (schema.type === 'array') return schema.maxItems;
  return valuesOf(schema) ? schema.maxProperties : 1;
}

/** Undefined for what has no elements. */
export function maxElements(schema: JSONSchemaProps): number | undefined {
  const items = itemsOf(schema);
  if (schema.type === 'array') return schema.maxItems ?? (items ? Math.floor((maxRequestBytes - 2) / (minSize(items) + 1)) : undefined);
  const values = valuesOf(schema);
  return values && (schema.maxProperties ?? Math.floor((maxRequestBytes - 2) / (minSize(values) + 6)));
}

const formatsOfOtherTypes: readonly string[] = ['byte', 'duration', 'date', 'date-time'];

/** How many bytes a text can have; undefined for what is no text to a rule. A character has four at most. */
export function maxTextBytes({ type, format, maxLength, enum: values, 'x-kubernetes-int-or-string': either }: JSONSchemaProps): number | undefined {
  if (type !== 'string' || either || formatsOfOtherTypes.includes(format ?? '')) return undefined;
  if (maxLength !== undefined) return maxLength * 4;
  if (values && values.length > 0) return Math.max(...values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)));
  return maxRequestBytes - 2;
}

/** How many values of that schema there can be in a request, wherever they are. */
export const maxOccurrences = (schema: JSONSchemaProps): number => Math.floor(maxRequestBytes / (minSize(schema) + 1));
