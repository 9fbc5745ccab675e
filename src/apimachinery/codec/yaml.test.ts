import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml, parseYamlStrict } from './yaml.ts';

test('aliases stand for the nearest anchor before them', () => {
  assert.deepEqual(parseYaml('a: &x 1\nb: *x\nc: &x {d: 2}\ne: *x'), { a: 1, b: 1, c: { d: 2 }, e: { d: 2 } });
  assert.throws(() => parseYaml('a: *x'), { message: "yaml: unknown anchor 'x' referenced" });
  assert.throws(() => parseYaml('a: &x [*x]'), { message: "yaml: anchor 'x' value contains itself" });
});

test('maps are merged, what stands in the map itself first', () => {
  assert.deepEqual(parseYaml('a: &x {b: 1, c: 1}\nd:\n  <<: *x\n  c: 2\ne:\n  <<: [*x, {f: 3, b: 4}]'), {
    a: { b: 1, c: 1 },
    d: { b: 1, c: 2 },
    e: { b: 1, c: 1, f: 3 },
  });
  assert.throws(() => parseYaml('a:\n  <<: text'), { message: 'yaml: map merge requires map or sequence of maps as the value' });
});

test('a document that would grow without bound is refused', () => {
  const lines = Array.from({ length: 12 }, (_, i) => `a${i}: &a${i} [${i === 0 ? 'x' : `*a${i - 1},`.repeat(9)}]`);
  assert.throws(() => parseYaml(lines.join('\n')), { message: 'yaml: document contains excessive aliasing' });
});

test('JSON is read as YAML: keys sorted, those set twice told', () => {
  const { value, errors } = parseYamlStrict('{"b": {"d": 1, "c": [true, null, "x"]}, "a": "yes"}');
  assert.deepEqual([JSON.stringify(value), errors], ['{"a":"yes","b":{"c":[true,null,"x"],"d":1}}', []]);
  assert.deepEqual(parseYamlStrict('{"a": 1, "a": 2}'), { value: { a: 2 }, errors: ['yaml: unmarshal errors:\n  line 1: key "a" already set in map'] });
});

test('of several documents the first one counts', () => {
  assert.deepEqual(parseYaml('a: 1\n---\nb: 2\n'), { a: 1 });
});
