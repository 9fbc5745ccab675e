import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYamlStrict } from '../apimachinery/codec/yaml.ts';
import { readYaml } from './yaml.ts';

const long = (head: string): string => `${head}list:\n${'- {a: 1, b: [x, "y"], c: 2026-01-01T00:00:00Z}\n'.repeat(500)}`;

test('long YAML is read as short YAML is, and others are served meanwhile', async () => {
  const texts = [long('kind: First\n'), long('kind: Second\nkind: Third\n')];
  let turns = 0;
  let reading = true;
  const others = (): void => {
    turns++;
    if (reading) setImmediate(others);
  };
  setImmediate(others);
  const read = await Promise.all(texts.map(readYaml));
  reading = false;
  for (const [index, { value, errors, json }] of read.entries()) {
    assert.deepEqual({ value, errors }, parseYamlStrict(texts[index] as string));
    assert.deepEqual(JSON.parse(json as string), value);
  }
  assert.ok(turns > 1, 'other work went on');
});

test('what is wrong with long YAML is said as of short YAML', async () => {
  const deep = (open: string, close: string): string => `# ${'-'.repeat(20_000)}\na: ${open.repeat(3000)}${close.repeat(3000)}\n`;
  await assert.rejects(readYaml(`${long('')}a: *b\n`), /^Error: yaml: unknown anchor 'b' referenced$/);
  await assert.rejects(readYaml(deep('[', ']')), /^Error: yaml: (?:line \d+: )?exceeded max depth of 10000$/);
  const bomb = Array.from({ length: 12 }, (_, i) => `a${i}: &a${i} [${i === 0 ? 'x' : `*a${i - 1},`.repeat(9)}]\n`).join('');
  await assert.rejects(readYaml(long(bomb)), /^Error: yaml: document contains excessive aliasing$/);
  assert.deepEqual((await readYaml(long('ok: yes\n'))).errors, [], 'and the next is read');
});

test('long JSON is read at once', async () => {
  const text = JSON.stringify({ b: Array.from({ length: 5000 }, () => ({ d: 1, c: [2] })), a: 1 });
  const { value, json } = await readYaml(text);
  assert.equal(json, undefined);
  assert.deepEqual(value, JSON.parse(text));
  assert.deepEqual(Object.keys(value as object), ['a', 'b']);
});
