/**
 * Upstream's own samples, one of every kind with every field set, in JSON, YAML and protobuf: each decodes to the same object,
 * and encoding gives the bytes back. They are not part of the repository (`samples.test.ts` makes its own); `KNARR_SPEC` names the directory that holds
 * them as `roundtrip`.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parseJson } from '../apimachinery/codec/json.ts';
import { decodeEnvelope, decodeProtobuf, encodeEnvelope } from '../apimachinery/codec/protobuf.ts';
import { parseYaml } from '../apimachinery/codec/yaml.ts';
import { decodeObject } from '../apimachinery/decode/object.ts';
import type { Struct } from '../apimachinery/schema.ts';
import { structOfKind } from './schema.ts';

const folder = join(process.env['KNARR_SPEC'] ?? resolve(import.meta.dirname, '../../../shared/spec'), 'roundtrip');

/** Written by a release after this one: fields that this one does not know yet. */
const laterFields: Record<string, string[]> = {
  'storage.k8s.io.v1.CSINode.after_roundtrip': ['status'],
  'storage.k8s.io.v1beta1.CSINode.after_roundtrip': ['status'],
};

function check(name: string): void {
  const read = (extension: string): Buffer => readFileSync(join(folder, `${name}.${extension}`));
  const protobuf = read('pb');
  const object = parseJson(read('json')) as Record<string, unknown>;
  const { apiVersion, kind, raw } = decodeEnvelope(protobuf);
  const struct = structOfKind(apiVersion || 'v1', kind || (name.split('.').at(-1) as string)) as Struct;
  assert.ok(struct, `${name}: its struct is known`);

  assert.deepEqual(parseYaml(read('yaml').toString()), object, `${name}: YAML → JSON`);
  const later = laterFields[name] ?? [];
  const strict = decodeObject(struct, object, { validation: 'Strict', text: read('json').toString() });
  assert.deepEqual(
    strict.strictErrors,
    later.map((field) => `unknown field "${field}"`),
    `${name}: strict decoding`,
  );
  for (const field of later) delete object[field];
  assert.deepEqual(strict.object, object, `${name}: structural decoding keeps it`);

  const typeMeta = object.apiVersion === undefined || !struct.fields.has('apiVersion') ? {} : { apiVersion, kind };
  assert.deepEqual({ ...typeMeta, ...decodeProtobuf(struct, raw) }, object, `${name}: protobuf → JSON`);
  if (later.length === 0) assert.equal(hex(encodeEnvelope(apiVersion, kind, struct, object)), hex(protobuf), `${name}: JSON → protobuf`);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

if (!existsSync(folder)) {
  test(`upstream's samples are not here (${folder}): nothing to compare with`, () =>
    console.log(`upstream's samples are not at ${folder}: nothing was compared`));
} else {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length));
  for (const name of names) test(`${name} is the same object in JSON, YAML and protobuf`, () => check(name));
}
