/** Every kind, with every field set: JSON is decoded to what it says, and protobuf gives it back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeEnvelope, decodeProtobuf, encodeEnvelope, encodeProtobuf } from '../apimachinery/codec/protobuf.ts';
import { decodeObject } from '../apimachinery/decode/object.ts';
import { apiVersionOf } from '../apimachinery/meta.ts';
import { builtinKinds } from './index.ts';
import { structNames, structOf } from './schema.ts';
import { sampleOf } from './testing/sample.ts';

for (const { group, version, kind, schema } of builtinKinds) {
  const apiVersion = apiVersionOf(group, version);
  test(`${apiVersion} ${kind} is the same in JSON and in protobuf`, () => {
    const struct = structOf(schema);
    const sample = { ...sampleOf(struct), apiVersion, kind };
    const text = JSON.stringify(sample);
    const { object, strictErrors } = decodeObject(struct, JSON.parse(text), { validation: 'Strict', text });
    assert.deepEqual(strictErrors, []);
    assert.deepEqual(object, sample);
    const bytes = encodeEnvelope(apiVersion, kind, struct, sample);
    const envelope = decodeEnvelope(bytes);
    assert.deepEqual({ apiVersion: envelope.apiVersion, kind: envelope.kind }, { apiVersion, kind });
    const decoded = { apiVersion, kind, ...decodeProtobuf(struct, envelope.raw) };
    assert.deepEqual(decoded, sample);
    assert.deepEqual(encodeEnvelope(apiVersion, kind, struct, decoded), bytes);
  });
}

test('every type of the table that has a protobuf form is the same in it', () => {
  let compared = 0;
  for (const name of structNames()) {
    const struct = structOf(name);
    const numbered = [...struct.fields.values()].filter(({ number }) => number !== undefined);
    if (numbered.length === 0 || numbered.length < [...struct.fields.keys()].filter((field) => field !== 'apiVersion' && field !== 'kind').length) continue;
    const sample = sampleOf(struct);
    const bytes = encodeProtobuf(struct, sample);
    const decoded = decodeProtobuf(struct, bytes);
    assert.deepEqual(decoded, sample, name);
    assert.deepEqual(encodeProtobuf(struct, decoded), bytes, name);
    compared++;
  }
  assert.ok(compared > 500, `${compared} types`);
});
