import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JSONSchemaProps } from '../v1/types.gen.ts';
import { ratchet } from './ratchet.ts';
import { validateRules } from './rules.ts';
import { validateSchema } from './validate.ts';

const text = (more: Partial<JSONSchemaProps>): JSONSchemaProps => ({ type: 'string', ...more });
const shape = (leaf: JSONSchemaProps): JSONSchemaProps => ({
  type: 'object',
  properties: {
    field: leaf,
    keyed: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['key'],
      items: { type: 'object', properties: { key: { type: 'string' }, field: leaf } },
    },
    set: { type: 'array', 'x-kubernetes-list-type': 'set', items: leaf },
    atomic: { type: 'array', items: leaf },
    map: { type: 'object', additionalProperties: leaf },
  },
});
const object = (more: object = {}) => ({
  field: 'bad',
  keyed: [
    { key: 'a', field: 'bad' },
    { key: 'b', field: 'good' },
  ],
  set: ['bad'],
  atomic: ['bad'],
  map: { k: 'bad' },
  ...more,
});

const structural = shape(text({ enum: ['good'] as unknown as JSONSchemaProps['enum'] }));
const ruled = shape(text({ 'x-kubernetes-validations': [{ rule: "self != 'bad'" }] }));
const fieldsOf = (now: object, before: object) => ({
  structural: ratchet(validateSchema(now, structural), now, before, structural).map(({ field }) => field),
  ruled: validateRules(now, before, ruled, { forgiving: true }).map(({ field }) => field),
});
const both = (fields: string[]) => ({ structural: fields, ruled: fields });

test('what was not touched is let through, and of lists only items with keys can be told apart', () => {
  assert.deepEqual(fieldsOf(object({ more: 1 }), object()), both([]));
  const reversed = object().keyed.toReversed();
  assert.deepEqual(fieldsOf(object({ keyed: reversed }), object()), both([]));
  assert.deepEqual(fieldsOf(object({ set: ['bad', 'good'], atomic: ['bad', 'good'] }), object()), both(['set[0]', 'atomic[0]']));
  assert.deepEqual(fieldsOf(object({ keyed: [...reversed, { key: 'c', field: 'bad' }] }), object()), both(['keyed[2].field']));
  assert.deepEqual(fieldsOf(object(), object({ field: 'good', map: {} })), { structural: ['field', 'map.k'], ruled: ['field', 'map[k]'] });
});

test('a rule about the change itself is asked of what was not touched, too', () => {
  const changes = (rule: object) => shape(text({ 'x-kubernetes-validations': [rule as { rule: string }] }));
  const found = (rule: object) => validateRules(object(), object(), changes(rule), { forgiving: true }).map(({ field }) => field);
  assert.deepEqual(found({ rule: 'self != oldSelf' }), ['field', 'keyed[0].field', 'keyed[1].field', 'map[k]']);
  assert.deepEqual(found({ rule: '!oldSelf.hasValue() || self != oldSelf.value()', optionalOldSelf: true }), [
    'field',
    'keyed[0].field',
    'keyed[1].field',
    'map[k]',
  ]);
});
