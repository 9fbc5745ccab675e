/** Paths to a field of a schema, such as `.spec.color` and `['a']`. Source of the rules: apiextensions `schema/cel`. */

import { own } from '../../../../apimachinery/own.ts';
import type { JSONSchemaProps } from '../types.gen.ts';
import { valuesOf } from './rules/sizes.ts';

/** What the path leads to and how it is written at its shortest, or what is wrong with it. */
export function resolvePath(text: string, root: JSONSchemaProps, arrayNotation = true): { schema: JSONSchemaProps | undefined; steps: string[] } | string {
  const tokens = text.match(/'(?:\\'|[^'])*'|[.[\]]|[^.[\]]+/g) ?? [];
  const steps: string[] = [];
  let schema: JSONSchemaProps | undefined = root;
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] as string;
    let name: string;
    if (token === '[') {
      if (!arrayNotation) return 'array notation is not allowed';
      const quoted = tokens[++index];
      if (quoted === undefined) return 'unexpected end of JSON path';
      if (!/^'.*'$/s.test(quoted)) return `expected single quoted string but got ${quoted}`;
      name = quoted.slice(1, -1).replaceAll("\\'", "'");
    } else if (token === '.') {
      const next = tokens[++index];
      // A path that ends with a dot leads nowhere further.
      name = next ?? '.';
    } else return `expected [ or . but got: ${token}`;
    const named: boolean = Object.keys(schema?.properties ?? {}).length > 0;
    if (!named && (schema?.additionalProperties === undefined || schema === undefined)) return 'does not refer to a valid field';
    const next: JSONSchemaProps | undefined = named ? own(schema?.properties, name) : schema && valuesOf(schema);
    if (named && !next) return 'does not refer to a valid field';
    schema = next;
    steps.push(name);
    if (token !== '[') continue;
    const closing = tokens[++index];
    if (closing === undefined) return 'unexpected end of JSON path';
    if (closing !== ']') return `expected ] but got ${closing}`;
  }
  return { schema, steps };
}
