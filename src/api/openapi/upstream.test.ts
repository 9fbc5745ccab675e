/**
 * The OpenAPI documents beside upstream's own. Of all of them there is a digest, recorded by `tools/generate/digest.ts`. A whole v2
 * document tells what differs; it is not part of the repository: `KNARR_SPEC` says where it is.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, test } from 'node:test';
import { builtinKinds } from '../index.ts';
import { openapiV2, openapiV3, openapiV3Paths } from './index.ts';
import digest from './testdata/digest.json' with { type: 'json' };
import { digestOf, facts } from './testing/digest.ts';

const folder = process.env['KNARR_SPEC'] ?? resolve(import.meta.dirname, '../../../../shared/spec');
const file = join(folder, 'openapi-v2.json');

type Json = Record<string, unknown>;
interface Document extends Json {
  paths: Record<string, Json>;
  definitions: Record<string, Json>;
  parameters: Json;
}

const everything = builtinKinds.map((definition) => ({ definition }));
let own: Document;
before(async () => {
  own = JSON.parse((await openapiV2(everything).plain('json')).toString());
});

test('the v2 document says what upstream says', () => {
  assert.deepEqual(digestOf(own), digest.v2);
});

test('every v3 document says what upstream says', async () => {
  const known: Record<string, { paths: string; types: string }> = digest.v3;
  assert.deepEqual(Object.keys(openapiV3Paths(everything)).sort(), Object.keys(known).sort());
  for (const [key, expected] of Object.entries(known)) {
    const body = await openapiV3(key, everything)?.plain('json');
    assert.deepEqual(digestOf(JSON.parse(String(body))), expected, key);
  }
});

test('every verb of every resource has an operation', () => {
  const actions = new Map<string, string[]>();
  for (const [path, item] of Object.entries(own.paths)) {
    const all = Object.values(item) as { 'x-kubernetes-action'?: string }[];
    actions.set(
      path,
      all.flatMap((operation) => operation['x-kubernetes-action'] ?? []),
    );
  }
  const named: Record<string, string> = { create: 'post', update: 'put' };
  for (const { group, version, plural, namespaced, verbs } of builtinKinds) {
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const collection = `${root}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}`;
    for (const verb of verbs) {
      const whole = verb === 'list' || verb === 'create' || verb === 'deletecollection';
      const path = verb === 'watch' ? `${root}/watch/${plural}` : whole ? collection : `${collection}/{name}`;
      const action = verb === 'watch' ? 'watchlist' : (named[verb] ?? verb);
      assert.ok(actions.get(path)?.includes(action), `${verb} of ${plural} in ${group}/${version}`);
    }
  }
});

if (!existsSync(file)) {
  test(`upstream's document is not here (${file}): nothing to compare with`, () => console.log(`${file} is not here: nothing was compared`));
} else {
  const theirs = JSON.parse(readFileSync(file, 'utf8')) as Document;

  /** That document was made without the values of enumerations. */
  function withoutValues(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(withoutValues);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).filter(([name, inner]) => name !== 'enum' || !Array.isArray(inner));
    return Object.fromEntries(entries.map(([name, inner]) => [name, withoutValues(inner)]));
  }

  test('every definition is as in the whole document', () => {
    assert.deepEqual(Object.keys(own.definitions).sort(), Object.keys(theirs.definitions).sort());
    for (const [name, definition] of Object.entries(theirs.definitions)) {
      assert.deepEqual(withoutValues(facts(own.definitions[name])), withoutValues(facts(definition)), name);
    }
  });

  test('every path, with every operation, is as in the whole document', () => {
    const paths = Object.keys(theirs.paths).filter((path) => !path.startsWith('/logs/'));
    assert.deepEqual(Object.keys(own.paths).sort(), paths.sort());
    for (const path of paths) assert.deepEqual(facts(own.paths[path], own.parameters), facts(theirs.paths[path], theirs.parameters), path);
  });

  test('nearly every definition and field that upstream describes is described', () => {
    const missing: string[] = [];
    for (const [name, { description, properties = {} }] of Object.entries(theirs.definitions)) {
      if (description !== undefined && own.definitions[name]?.['description'] === undefined) missing.push(name);
      for (const [field, schema] of Object.entries(properties as Record<string, Json>)) {
        const ours = (own.definitions[name]?.['properties'] as Record<string, Json> | undefined)?.[field];
        if (schema['description'] !== undefined && ours?.['description'] === undefined) missing.push(`${name}.${field}`);
      }
    }
    // Of types without fields the package declares nothing.
    assert.ok(missing.length <= 5, missing.join(', '));
  });
}
