import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textWithoutManagedFields } from './watchstream.ts';

test('managed fields are cut out of a line wherever they stand, and nothing else is', () => {
  const managedFields = [{ manager: 'm"]', fieldsV1: { 'k:{"name":"c"}': { 'f:\\': {} }, 'f:[': {} } }];
  const cases = [
    { metadata: { name: 'é', managedFields } },
    { metadata: { managedFields, name: 'a' }, spec: { list: [1, { b: [] }] } },
    { metadata: { managedFields } },
    { metadata: { name: 'a', managedFields: [], uid: 'u' } },
    { metadata: { name: 'a', annotations: { was: '"managedFields":[{}]' } } },
  ];
  for (const object of cases) {
    const { managedFields: _, ...metadata } = object.metadata as Record<string, unknown>;
    const text = textWithoutManagedFields(Buffer.from(JSON.stringify({ type: 'ADDED', object })));
    assert.deepEqual(JSON.parse(text), { type: 'ADDED', object: { ...object, metadata } });
  }
});
