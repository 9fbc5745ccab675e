/**
 * The OpenAPI v2 document beside upstream's own: types, formats, required fields, list types, map keys, patch keys and kinds of
 * every definition, and the fields that have texts. It is not part of the repository; `KNARR_SPEC` says where it is.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { builtinKinds } from '../index.ts';
import { openapiV2 } from './index.ts';

const folder = process.env['KNARR_SPEC'] ?? resolve(import.meta.dirname, '../../../../shared/spec');
const file = join(folder, 'openapi-v2.json');

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Without texts, which are others in other packages. */
function facts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(facts);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([name, inner]) => name !== 'description' || typeof inner !== 'string');
  return Object.fromEntries(entries.map(([name, inner]) => [name, facts(inner)]));
}

if (!existsSync(file)) {
  test(`upstream's document is not here (${file}): nothing to compare with`, () => console.log(`${file} is not here: nothing was compared`));
} else {
  test('every definition says what upstream says', async () => {
    const own = JSON.parse((await openapiV2(builtinKinds.map((definition) => ({ definition })))).json.toString()).definitions as Json;
    const theirs = (JSON.parse(readFileSync(file, 'utf8')) as { definitions: Json }).definitions;
    assert.deepEqual(Object.keys(own).sort(), Object.keys(theirs).sort());
    for (const [name, definition] of Object.entries(theirs)) assert.deepEqual(facts(own[name]), facts(definition), name);
  });

  test('nearly every definition and field that upstream describes is described', async () => {
    const own = JSON.parse((await openapiV2(builtinKinds.map((definition) => ({ definition })))).json.toString()).definitions as Record<string, Json>;
    const theirs = (JSON.parse(readFileSync(file, 'utf8')) as { definitions: Record<string, Json> }).definitions;
    const missing: string[] = [];
    for (const [name, { description, properties = {} }] of Object.entries(theirs)) {
      if (description !== undefined && own[name]?.['description'] === undefined) missing.push(name);
      for (const [field, schema] of Object.entries(properties as Record<string, Json>)) {
        const ours = (own[name]?.['properties'] as Record<string, Json> | undefined)?.[field];
        if (schema['description'] !== undefined && ours?.['description'] === undefined) missing.push(`${name}.${field}`);
      }
    }
    // Of types without fields the package declares nothing.
    assert.ok(missing.length <= 5, missing.join(', '));
  });
}
