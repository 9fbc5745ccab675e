import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  milliValue,
  negateQuantity,
  parseQuantity,
  quantityOf,
  subtractQuantities,
  value,
} from './quantity.ts';

test('a quantity is printed in its canonical form', () => {
  const cases: Record<string, string> = {
    '0': '0',
    '0n': '0',
    '0Mi': '0',
    '-0': '0',
    '00': '0',
    '0.0': '0',
    '.0': '0',
    '0.': '0',
    '': '',
    '1': '1',
    '+1': '+1',
    '100m': '100m',
    '1000m': '1',
    '1500m': '1500m',
    '0.1': '100m',
    '.5': '500m',
    '1.5': '1500m',
    '1.': '1.',
    '1000': '1k',
    '3000': '3k',
    '1000000': '1M',
    '12345678': '12345678',
    '1Ki': '1Ki',
    '1024Ki': '1Mi',
    '8Ki': '8Ki',
    '1024Mi': '1Gi',
    '1000Ki': '1000Ki',
    '1.5Gi': '1536Mi',
    '0.5Mi': '512Ki',
    '0.05Mi': '52428800m',
    '0.5Ki': '512',
    '0.001Ki': '1024m',
    '2.5': '2500m',
    '1e3': '1e3',
    '1e4': '10e3',
    '1E6': '1E6',
    '12e6': '12e6',
    '1.1E+5': '110e3',
    '1e0': '1e0',
    '100e-1': '10',
    '1E': '1E',
    '1P': '1P',
    '1Ei': '1Ei',
    '9Ei': '9223372036854775807',
    '1.1n': '2n',
    '0.1n': '1n',
    '0.5n': '1n',
    '1e-10': '1e-9',
    '-0.1n': '-1n',
    '-1.5u': '-1500n',
    '123.456789123456789123n': '124n',
    '9999999999999999999': '9999999999999999999',
    '1000000000000000000000': '1e21',
    '0.1Ti': '109951162777600m',
    '-1024Ki': '-1Mi',
    '1.3Ki': '1331200m',
  };
  for (const [text, canonical] of Object.entries(cases)) if (text !== '') assert.equal(canonicalQuantity(text), canonical, text);
});

test('text that is no quantity is refused with the reason', () => {
  const format = /^quantities must match the regular expression/;
  const suffix = /^unable to parse quantity's suffix$/;
  for (const text of ['', '1.1.M', '1+1.0M', '0.1mi x', 'aoeu', '1 Ki', '1e3x', '1,0']) assert.throws(() => parseQuantity(text), { message: format }, text);
  for (const text of ['0.1mi', '--1', '1ki', '1mM', '1i', '12P3', '1e', '1ee3', '1e+', '1Mi5'])
    assert.throws(() => parseQuantity(text), { message: suffix }, text);
});

test('quantities compare by amount, whatever their notation', () => {
  const cases: [string, string, number][] = [
    ['1', '1000m', 0],
    ['1Ki', '1024', 0],
    ['1Gi', '1G', 1],
    ['500m', '1', -1],
    ['-1', '1', -1],
    ['0', '0Ki', 0],
    ['1e3', '1k', 0],
    ['1e2000000000', '1', 1],
    ['-1e2000000000', '1e2000000000', -1],
    ['1e2000000000', '1e1999999999', 1],
  ];
  for (const [a, b, expected] of cases) assert.equal(compareQuantities(a, b), expected, `${a} ${b}`);
});

test('sums keep the notation of the first non-zero operand', () => {
  const add = (a: string, b: string) => formatQuantity(addQuantities(a, b));
  assert.equal(add('1', '500m'), '1500m');
  assert.equal(add('1Gi', '1Gi'), '2Gi');
  assert.equal(add('0', '1Ki'), '1Ki');
  assert.equal(add('1Ki', '1'), '1025');
  assert.equal(add('9223372036854775807', '1'), '9223372036854775808');
  assert.equal(formatQuantity(subtractQuantities('1Gi', '512Mi')), '512Mi');
  assert.equal(formatQuantity(subtractQuantities('0', '1Ki')), '-1Ki');
  assert.equal(formatQuantity(negateQuantity('100m')), '-100m');
  assert.equal(formatQuantity(quantityOf(1048576, 'BinarySI')), '1Mi');
});

test('values round away from zero', () => {
  const cases: [string, number, number][] = [
    ['1', 1, 1000],
    ['1m', 1, 1],
    ['1500m', 2, 1500],
    ['1Gi', 1073741824, 1073741824000],
    ['1n', 1, 1],
    ['-1500m', -2, -1500],
    ['0', 0, 0],
  ];
  for (const [text, whole, milli] of cases) {
    assert.equal(value(text), whole, text);
    assert.equal(milliValue(text), milli, text);
  }
});

test('a bare JSON number is a quantity', () => {
  assert.equal(canonicalQuantity(0.1), '100m');
  assert.equal(canonicalQuantity(2000), '2k');
  assert.equal(value(1e21), 1e21);
});
