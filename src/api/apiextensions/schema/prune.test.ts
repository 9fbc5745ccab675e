import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JSONSchemaProps } from '../v1/types.gen.ts';
import { prune } from './prune.ts';

test('embedded metadata keeps what metadata has, and nothing else', () => {
  const embedded: JSONSchemaProps = { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true };
  const schema: JSONSchemaProps = { type: 'object', properties: { template: embedded, list: { type: 'array', items: embedded } } };
  const template = { apiVersion: 'v1', kind: 'Sub', metadata: { name: 'a', namespace: 'b', odd: 1 }, data: 1 };
  const object = { metadata: { odd: 1 }, template: structuredClone(template), list: [structuredClone(template)], other: 1 };
  assert.deepEqual(prune(object, schema), ['list[0].metadata.odd', 'other', 'template.metadata.odd']);
  const kept = { ...template, metadata: { name: 'a', namespace: 'b' } };
  assert.deepEqual(object as object, { metadata: { odd: 1 }, template: kept, list: [kept] });
});
