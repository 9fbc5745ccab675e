/** Small damage to what was right: values, texts, bytes. */
import type { Random } from './random.ts';

const texts = [
  '',
  ' ',
  'a',
  'A',
  '-',
  '.',
  '..',
  '/',
  '%',
  '%2e%2e',
  '\0',
  '\n',
  '\u2028',
  'é',
  '😀',
  '\ud800',
  'a'.repeat(64),
  'a'.repeat(254),
  'x'.repeat(5000),
  'true',
  'null',
  '0',
  '-1',
  '1e999',
  '0x10',
  '1Gi',
  '99999999999999999999',
  '1.5.5',
  '10.96.0.1',
  '::1',
  '256.0.0.1',
  '10.0.0.0/33',
  'http://[::1',
  '{{}}',
  '$(A)',
  '*',
  '(',
  '[',
  '(a+)+$',
  'a=b,c in (d',
  'self.a',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'kube-system',
  'default',
  '2026-01-01T00:00:00Z',
  '0000-00-00T00:00:00Z',
  'YWJj',
  'YW=J',
  'Always',
  'TCP',
  'IfNotPresent',
  '5s',
  '-5s',
  '100%',
  '-100%',
  'example.com/a',
  'v1',
  'apps/v1',
];
/** Keys that every object inherits something under. */
const inherited = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype', '__defineGetter__'];
/** Any key, more often than not one that is special in this language. */
export const anyKey = (random: Random): string => (random.oneIn(2) ? random.pick(inherited) : anyText(random));

const scalars: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  0.5,
  1e21,
  -1e21,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53,
  9223372036854775807n,
  9223372036854775808n,
  1e308,
  65535,
  65536,
  [],
  {},
  [null],
  [[]],
  [{}],
  { a: null },
  { '': '' },
];

export const anyText = (random: Random): string => random.pick(texts);

export function anyValue(random: Random, depth = 0): unknown {
  if (random.oneIn(2)) return anyText(random);
  if (depth < 3 && random.oneIn(6)) return Array.from({ length: random.below(4) }, () => anyValue(random, depth + 1));
  if (depth < 3 && random.oneIn(6)) return Object.fromEntries(Array.from({ length: random.below(4) }, () => [anyText(random), anyValue(random, depth + 1)]));
  if (random.oneIn(100)) return nested(random.pick([64, 2000, 9000, 20_000]), random.oneIn(2));
  // A value of its own, that may be damaged in turn.
  const picked = random.pick(scalars);
  return typeof picked === 'object' ? structuredClone(picked) : picked;
}

/** Stands for so many lists or objects in one another; only the text has them, which no recursion can reach. */
const nested = (depth: number, lists: boolean): string => `#deep ${lists ? '[' : '{'} ${depth}#`;

function deepText(open: string, depth: number): string {
  return open === '[' ? '['.repeat(depth) + ']'.repeat(depth) : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
}

type Container = Record<string, unknown> | unknown[];
const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** Every place in the value: where it is, and its key there. */
function places(value: unknown, found: [Container, string | number][] = []): [Container, string | number][] {
  if (!isContainer(value) || found.length > 2000) return found;
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    found.push([value, key]);
    places((value as Record<string | number, unknown>)[key], found);
  }
  return found;
}

/** Changes the value in place, `times` times. */
export function mutateValue(random: Random, value: Container, times: number): void {
  for (let i = 0; i < times; i++) {
    const all = places(value);
    if (all.length === 0) return;
    const [holder, key] = random.pick(all) as [Record<string | number, unknown>, string | number];
    const [, otherKey] = random.pick(all);
    switch (random.below(7)) {
      case 0:
        if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else delete holder[key];
        break;
      case 1:
        if (Array.isArray(holder)) holder.push(holder[key]);
        // With a value as its neighbour has: in a map it is right.
        else put(holder, anyKey(random), structuredClone(holder[key]));
        break;
      case 2: {
        const [from, fromKey] = random.pick(all) as [Record<string | number, unknown>, string | number];
        // A copy: what contains itself can't be sent.
        put(holder, key, structuredClone(from[fromKey]));
        break;
      }
      case 3:
        put(holder, otherKey, anyValue(random));
        break;
      default:
        put(holder, key, anyValue(random));
    }
  }
}

/** An own property, whatever its name. */
function put(holder: object, key: string | number, value: unknown): void {
  if (Array.isArray(holder)) holder[Number(key) || 0] = value;
  else Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

/** JSON, with integers beyond the doubles, to any depth. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `#${item}#` : item));
  return (text ?? 'null')
    .replaceAll(/"#(\d+)#"/g, '$1')
    .replaceAll(/"#deep ([[{]) (\d+)#"/g, (_, open: string, depth: string) => deepText(open, Number(depth)));
}

const snippets = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u',
  '\\ud800',
  '\0',
  '\ufeff',
  'NaN',
  '1e',
  '-',
  '/*',
  '// ',
  'é',
  '\t',
  '\n',
  "'",
  '&a ',
  '*a',
  '!!binary ',
  '<<: ',
  '---\n',
  '%',
];

/** Bytes with parts flipped, cut, doubled or put in. */
export function mutateBytes(random: Random, bytes: Buffer, times: number): Buffer {
  let result = Buffer.from(bytes);
  for (let i = 0; i < times; i++) {
    const at = random.below(result.length + 1);
    const end = Math.min(result.length, at + random.below(16));
    switch (random.below(6)) {
      case 0:
        if (at < result.length) result[at] = random.below(256);
        break;
      case 1:
        if (at < result.length) result[at] = (result[at] as number) ^ (1 << random.below(8));
        break;
      case 2:
        result = Buffer.concat([result.subarray(0, at), result.subarray(end)]);
        break;
      case 3:
        result = Buffer.concat([result.subarray(0, end), result.subarray(at)]);
        break;
      case 4:
        result = Buffer.concat([result.subarray(0, at), Buffer.from(random.pick(snippets)), result.subarray(at)]);
        break;
      default:
        if (random.oneIn(4)) result = result.subarray(0, at);
    }
  }
  return result;
}
