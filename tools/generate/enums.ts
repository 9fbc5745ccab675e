/** The values that texts may have: only the document of a running server names them, or the table that a former run wrote. */
import { existsSync, readFileSync } from 'node:fs';
import type { OpenApiDocument, Property } from './openapi.ts';
import type { TableJson } from './table.ts';

/** Of a struct's field, by their names; those of the items where it is a list or a map. */
export type Enums = (struct: string, field: string) => readonly string[] | undefined;

const innermost = (property: Property | undefined): Property | undefined =>
  (property?.items ?? property?.additionalProperties) ? innermost(property?.items ?? property?.additionalProperties) : property;

export function enumsFromDocument({ definitions }: OpenApiDocument): Enums {
  return (struct, field) => innermost(definitions[struct]?.properties?.[field])?.enum;
}

export function enumsFromTable(file: string): Enums {
  const former = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as TableJson).structs : {};
  return (struct, field) => / enum=(.*?)(?: default=|$)/.exec(former[struct]?.fields[field] ?? '')?.[1]?.split('|');
}
