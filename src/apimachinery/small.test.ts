import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, humanDuration, parseDuration } from './duration.ts';
import { deepEqual, semanticEqual } from './equality.ts';
import { fnv32a } from './hash.ts';
import { scaledIntOrPercent } from './intstr.ts';
import { generateName, randomSuffix, safeEncode } from './random.ts';
import { tableOf } from './table.ts';

test('ages are shown with two or three figures', () => {
  const s = 1000,
    m = 60 * s,
    h = 60 * m,
    d = 24 * h,
    y = 365 * d;
  const cases: [number, string][] = [
    [-2 * s, '<invalid>'],
    [-1 * s, '0s'],
    [0, '0s'],
    [1.9 * s, '1s'],
    [119 * s, '119s'],
    [2 * m, '2m'],
    [2 * m + 5 * s, '2m5s'],
    [10 * m - s, '9m59s'],
    [10 * m + s, '10m'],
    [3 * h - s, '179m'],
    [3 * h, '3h'],
    [3 * h + m, '3h1m'],
    [8 * h - s, '7h59m'],
    [8 * h, '8h'],
    [47 * h, '47h'],
    [2 * d, '2d'],
    [2 * d + h, '2d1h'],
    [8 * d - s, '7d23h'],
    [8 * d, '8d'],
    [2 * y - s, '729d'],
    [2 * y, '2y'],
    [2 * y + d, '2y1d'],
    [8 * y - s, '7y364d'],
    [8 * y, '8y'],
  ];
  for (const [duration, expected] of cases) assert.equal(humanDuration(duration), expected);
});

test('Go durations', () => {
  const cases: Record<string, number> = {
    '0': 0,
    '5s': 5000,
    '1h2m3.5s': 3723500,
    '-1.5h': -5400000,
    '100ms': 100,
    '1us': 0.001,
    '1µs': 0.001,
    '.5s': 500,
    '+5s': 5000,
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(parseDuration(text), expected, text);
  for (const text of ['', '3', '-', 's', '.s', '1s x', '3000000000000000000y', 'abc']) assert.throws(() => parseDuration(text), /^Error: time: /, text);
  for (const text of ['0s', '5s', '1h2m3.5s', '1m0s', '1h0m0s', '1.5ms', '100µs', '-2m30s', '1ns']) assert.equal(formatDuration(parseDuration(text)), text);
});

test('percentages scale, numbers stay', () => {
  const cases: [number | string, number, boolean, number][] = [
    [123, 0, true, 123],
    ['90%', 100, true, 90],
    ['95%', 95, true, 91],
    ['95%', 95, false, 90],
    ['75%', 5, true, 4],
    ['25%', 1, false, 0],
  ];
  for (const [value, total, up, expected] of cases) assert.equal(scaledIntOrPercent(value, total, up), expected);
  for (const value of ['90', '%', 'a%', '9.5%']) assert.throws(() => scaledIntOrPercent(value, 1, true), /^Error: invalid value for IntOrString/);
});

test('generated names fit and have no vowels', () => {
  assert.match(generateName('web-'), /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.equal(generateName('a'.repeat(70)).length, 63);
  assert.equal(
    randomSuffix(3, () => 26),
    '999',
  );
  assert.equal(safeEncode('0123456789'), '456789bcdf');
});

test('FNV-1a', () => {
  assert.equal(fnv32a(''), 0x811c9dc5);
  assert.equal(fnv32a('a'), 0xe40c292c);
  assert.equal(fnv32a('foobar'), 0xbf9cf968);
});

test('JSON values are compared by content', () => {
  assert.equal(deepEqual({ a: [1, { b: null }], c: undefined }, { a: [1, { b: null }] }), true);
  assert.equal(deepEqual({ a: 1 }, { b: 1 }), false);
  assert.equal(deepEqual([1, 2], [2, 1]), false);
  assert.equal(deepEqual({}, []), false);
  assert.equal(deepEqual({}, undefined), false);
  assert.equal(semanticEqual({ a: [] }, { b: null }), true);
  assert.equal(semanticEqual({ emptyDir: {} }, {}), false);
});

test('a table has the headers, the cells, and as much of the object as was asked for', () => {
  const columns = [{ name: 'Name', type: 'string', format: 'name', value: (object: { metadata: { name: string } }) => object.metadata.name }];
  const object = { apiVersion: 'v1', kind: 'X', metadata: { name: 'a' } };
  const table = tableOf(columns, [object], { resourceVersion: '7' }, { include: 'Metadata', now: new Date(0) });
  assert.deepEqual(table, {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: '7' },
    columnDefinitions: [{ name: 'Name', type: 'string', format: 'name', description: '', priority: 0 }],
    rows: [{ cells: ['a'], object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' } } }],
  });
  assert.equal(tableOf(columns, [object], {}, { include: 'None', now: new Date(0) }).rows[0]?.object, null);
  assert.equal(tableOf(columns, [object], {}, { include: 'Object', now: new Date(0) }).rows[0]?.object, object);
});
