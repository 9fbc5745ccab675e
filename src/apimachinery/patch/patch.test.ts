import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '../errors.ts';
import type { Field, FieldType, Struct } from '../schema.ts';
import { applyJsonPatch } from './json.ts';
import { applyMergePatch } from './merge.ts';
import { applyStrategicMergePatch } from './strategic.ts';

type Json = Record<string, unknown>;

const hasCode = (code: number, message?: RegExp) => (error: unknown) =>
  error instanceof StatusError && error.code === code && (!message || message.test(error.message));

/** Freezes at every depth: a patch must not write to what it was given. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const member of Object.values(Object.freeze(value))) frozen(member);
  return value;
}

test('JSON patch applies operations in order', () => {
  const cases: [unknown, unknown[], unknown][] = [
    [{ a: 1 }, [{ op: 'add', path: '/b', value: { c: [1] } }], { a: 1, b: { c: [1] } }],
    [{ a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    [{ a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
    [{ a: [1, 2] }, [{ op: 'add', path: '/a/-1', value: 3 }], { a: [1, 2, 3] }],
    [{ a: [1, 2] }, [{ op: 'remove', path: '/a/-1' }], { a: [1] }],
    [{ a: { 'x/y~z': 1 } }, [{ op: 'remove', path: '/a/x~1y~0z' }], { a: {} }],
    [{ a: 1 }, [{ op: 'replace', path: '/b', value: 2 }], { a: 1, b: 2 }],
    [{ a: 1, b: { c: 2 } }, [{ op: 'move', from: '/b/c', path: '/a' }], { a: 2, b: {} }],
    [{ a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
    [
      { a: [{ b: 1 }] },
      [
        { op: 'test', path: '/a/0', value: { b: 1 } },
        { op: 'remove', path: '/a/0' },
      ],
      { a: [] },
    ],
    [{ a: 1 }, [{ op: 'test', path: '/z', value: null }], { a: 1 }],
    [{ a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
    // A copy is a value of its own, though what a patch has made is changed in place.
    [
      { a: { b: 1 } },
      [
        { op: 'add', path: '/a/c', value: 2 },
        { op: 'copy', from: '/a', path: '/d' },
        { op: 'replace', path: '/d/b', value: 3 },
        { op: 'move', from: '/a', path: '/d/a' },
        { op: 'add', path: '/d/a/b', value: 4 },
      ],
      { d: { b: 3, c: 2, a: { b: 4, c: 2 } } },
    ],
    [{}, [{ op: 'add', path: '/__proto__', value: { a: 1 } }], JSON.parse('{"__proto__":{"a":1}}')],
  ];
  for (const [document, patch, expected] of cases) assert.deepEqual(applyJsonPatch(frozen(document), frozen(patch)), expected, JSON.stringify(patch));
});

test('a JSON patch that does not fit is 422, one that is none is 400', () => {
  const bad = [
    { op: 'remove', path: '/z' },
    { op: 'add', path: '/z/y', value: 1 },
    { op: 'add', path: '/a/5', value: 1 },
    { op: 'add', path: '/a/x', value: 1 },
    { op: 'replace', path: '/a/1', value: 1 },
    { op: 'test', path: '/a/0', value: 2 },
    { op: 'test', path: '/z', value: 2 },
    { op: 'move', from: '/z', path: '/y' },
    { op: 'zap', path: '/a' },
    { op: 'add', value: 1 },
    { op: 'add', path: '', value: 1 },
  ];
  for (const operation of bad)
    assert.throws(
      () => applyJsonPatch({ a: [1] }, [operation]),
      hasCode(422, /^the server rejected our request due to an error in our request$/),
      JSON.stringify(operation),
    );
  assert.throws(() => applyJsonPatch({}, {}), hasCode(400));
  assert.throws(() => applyJsonPatch({}, ['a']), hasCode(400));
  assert.throws(() => applyJsonPatch({}, new Array(10_001).fill({ op: 'add', path: '/a', value: 1 })), hasCode(413, /10000, got 10001/));
});

test('merge patch', () => {
  const cases: [Json, Json, Json][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{ a: 1 }, { a: { b: null, c: 2 } }, { a: { c: 2 } }],
  ];
  for (const [document, patch, expected] of cases) assert.deepEqual(applyMergePatch(frozen(document), frozen(patch)), expected);
  for (const patch of [[], 'a', null, 1]) assert.throws(() => applyMergePatch({}, patch), hasCode(400));
});

const text: FieldType = { type: 'string' };
const struct = (...fields: Field[]): FieldType => ({ type: 'object', struct: { name: 'test', fields: new Map(fields.map((field) => [field.name, field])) } });
const item: FieldType = struct({ name: 'name', type: text }, { name: 'value', type: text }, { name: 'other', type: text });
const list = (items: FieldType): FieldType => ({ type: 'array', items, list: 'atomic' });
const nested: FieldType = struct(
  { name: 'name', type: text },
  { name: 'value', type: text },
  { name: 'items', type: list(item), patchStrategy: ['merge'], patchMergeKey: 'name' },
);
const root: Struct = (
  struct(
    { name: 'name', type: text },
    { name: 'items', type: list(nested), patchStrategy: ['merge'], patchMergeKey: 'name' },
    { name: 'scalars', type: list(text), patchStrategy: ['merge'] },
    { name: 'plain', type: list(text) },
    { name: 'labels', type: { type: 'map', values: text } },
    { name: 'one', type: item },
    { name: 'replaced', type: item, patchStrategy: ['replace'] },
    { name: 'retained', type: item, patchStrategy: ['retainKeys'] },
  ) as { struct: Struct }
).struct;

const apply = (original: Json, patch: Json) => applyStrategicMergePatch(root, frozen(original), frozen(patch));
const names = (...values: string[]) => values.map((name) => ({ name }));

test('strategic merge patch merges maps, and lists by their key', () => {
  const cases: [string, Json, Json, Json][] = [
    ['scalars and maps', { name: 'a', labels: { x: '1' } }, { name: 'b', labels: { y: '2' } }, { name: 'b', labels: { x: '1', y: '2' } }],
    ['null deletes', { name: 'a', labels: { x: '1', y: '2' } }, { name: null, labels: { x: null, z: null } }, { labels: { y: '2' } }],
    ['null in what is new is dropped', {}, { one: { name: 'a', value: null } }, { one: { name: 'a' } }],
    [
      'items merge by name',
      { items: [{ name: 'a', value: '1' }, { name: 'b' }] },
      { items: [{ name: 'b', value: '2' }, { name: 'c' }] },
      { items: [{ name: 'a', value: '1' }, { name: 'b', value: '2' }, { name: 'c' }] },
    ],
    [
      'nested lists',
      { items: [{ name: 'a', items: names('x') }] },
      { items: [{ name: 'a', items: [{ name: 'y' }] }] },
      { items: [{ name: 'a', items: names('y', 'x') }] },
    ],
    ['an item is deleted', { items: names('a', 'b') }, { items: [{ name: 'a', $patch: 'delete' }] }, { items: names('b') }],
    ['a list is replaced', { items: names('a', 'b') }, { items: [{ name: 'c' }, { $patch: 'replace' }] }, { items: names('c') }],
    ['a list is emptied', { items: names('a') }, { items: [{ $patch: 'replace' }] }, { items: [] }],
    ['a map is replaced', { one: { name: 'a', value: '1' } }, { one: { value: '2', $patch: 'replace' } }, { one: { value: '2' } }],
    ['a map is emptied', { one: { name: 'a' } }, { one: { $patch: 'delete' } }, { one: {} }],
    ['a field with strategy replace', { replaced: { name: 'a', value: '1' } }, { replaced: { value: '2' } }, { replaced: { value: '2' } }],
    ['scalars are united', { scalars: ['a', 'b'] }, { scalars: ['c', 'a'] }, { scalars: ['c', 'a', 'b'] }],
    ['scalars are deleted', { scalars: ['a', 'b', 'c'] }, { '$deleteFromPrimitiveList/scalars': ['a', 'c'] }, { scalars: ['b'] }],
    ['lists without a strategy are replaced', { plain: ['a', 'b'] }, { plain: ['c'] }, { plain: ['c'] }],
    ['order', { items: names('a', 'b', 'c') }, { '$setElementOrder/items': names('c', 'a', 'b') }, { items: names('c', 'a', 'b') }],
    [
      'order with a new item',
      { items: names('a', 'b') },
      { '$setElementOrder/items': names('c', 'b', 'a'), items: names('c') },
      { items: names('c', 'b', 'a') },
    ],
    [
      'order and a deletion',
      { items: names('a', 'b', 'c') },
      { '$setElementOrder/items': names('c', 'a'), items: [{ name: 'b', $patch: 'delete' }] },
      { items: names('c', 'a') },
    ],
    [
      'items that only the server has keep their place',
      { items: names('a', 'x', 'b') },
      { '$setElementOrder/items': names('b', 'a') },
      { items: names('x', 'b', 'a') },
    ],
    ['order of scalars', { scalars: ['a', 'b'] }, { '$setElementOrder/scalars': ['c', 'b', 'a'], scalars: ['c'] }, { scalars: ['c', 'b', 'a'] }],
    ['order of a list that is not there', {}, { '$setElementOrder/items': names('a') }, {}],
    ['retained keys', { retained: { name: 'a', value: '1' } }, { retained: { $retainKeys: ['other'], other: '2' } }, { retained: { other: '2' } }],
    ['directives in what is new vanish', {}, { one: { $patch: 'delete' }, items: [{ name: 'a', $patch: 'delete' }, { name: 'b' }] }, { items: names('b') }],
  ];
  for (const [what, original, patch, expected] of cases) assert.deepEqual(apply(original, patch), expected, what);
});

test('a strategic merge patch that does not fit is refused', () => {
  const wrong = (original: Json, patch: Json, code: number, message: RegExp) => assert.throws(() => apply(original, patch), hasCode(code, message));
  wrong(
    { items: names('a') },
    { items: [{ value: 'x', items: [{ b: 1 }] }] },
    500,
    /^map: map\[items:\[map\[b:1\]\] value:x\] does not contain declared merge key: name$/,
  );
  wrong({ one: { name: 'a' } }, { one: { $patch: 'zap' } }, 500, /^unknown patch type: zap in map: map\[\$patch:zap\]$/);
  wrong({ items: names('a') }, { items: [{ $patch: 'merge' }] }, 500, /^merging lists cannot yet be specified in the patch$/);
  wrong({ retained: { name: 'a' } }, { retained: { $retainKeys: ['name'], other: '1' } }, 400, /^invalid patch format of retainKeys$/);
  wrong({ scalars: ['a'] }, { $setElementOrder: ['a'] }, 400, /^invalid patch format of setElementOrder list$/);
  wrong({ items: names('a') }, { '$setElementOrder/items': names('b', 'a'), items: names('a', 'b') }, 500, /^The order in patch list:\n/);
  wrong({ scalars: ['a'] }, { scalars: [['b']] }, 500, /^list element types are not identical/);
  assert.throws(() => applyStrategicMergePatch(root, {}, []), hasCode(400));
});
