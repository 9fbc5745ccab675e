/** Kubernetes' list functions, `ext.Lists` version 3, and `ext.Sets`. */
import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { celCompare, celEquals } from '../values.ts';
import { define, type Library, namespace } from './register.ts';

type List = readonly unknown[];

const includes = (list: List, value: unknown): boolean => list.some((one) => celEquals(one, value));

function extreme(list: List, sign: 1 | -1, name: string): unknown {
  if (list.length === 0) throw new Error(`${name} called on empty list`);
  return list.reduce((best, one) => (celCompare(one, best) * sign > 0 ? one : best));
}

function sum(list: List): unknown {
  return (
    list.reduce((total: unknown, one: unknown) => {
      if (total === undefined) return one;
      if (typeof total === 'bigint' && typeof one === 'bigint') return total + one;
      if (typeof total === 'number' && typeof one === 'number') return total + one;
      if (total instanceof UnsignedInt && one instanceof UnsignedInt) return new UnsignedInt(BigInt(total.valueOf()) + BigInt(one.valueOf()));
      if (total instanceof Duration && one instanceof Duration) return total.addDuration(one);
      throw new Error('no such overload: sum');
    }, undefined) ?? 0n
  );
}

function flatten(list: List, depth: bigint): unknown[] {
  if (depth < 0n) throw new Error('flatten: level must be non-negative');
  return list.flatMap((one) => (Array.isArray(one) ? (depth > 1n ? flatten(one, depth - 1n) : one) : [one]));
}

function slice(list: List, from: bigint, to: bigint): unknown[] {
  if (from < 0n || to < 0n) throw new Error(`cannot slice(${from}, ${to}), negative indexes not supported`);
  if (from > to) throw new Error(`cannot slice(${from}, ${to}), start index must be less than or equal to end index`);
  if (to > list.length) throw new Error(`cannot slice(${from}, ${to}), list is length ${list.length}`);
  return list.slice(Number(from), Number(to));
}

export const lists: Library = (environment) => {
  define(environment, 'list.isSorted(): bool', (list: List) => list.every((one, index) => index === 0 || celCompare(list[index - 1], one) <= 0));
  define(environment, 'list.sum(): dyn', sum);
  define(environment, 'list.min(): dyn', (list: List) => extreme(list, -1, 'min'));
  define(environment, 'list.max(): dyn', (list: List) => extreme(list, 1, 'max'));
  define(environment, 'list.indexOf(dyn): int', (list: List, value: unknown) => BigInt(list.findIndex((one) => celEquals(one, value))));
  define(environment, 'list.lastIndexOf(dyn): int', (list: List, value: unknown) => BigInt(list.findLastIndex((one) => celEquals(one, value))));
  define(environment, 'list.slice(int, int): list', slice);
  define(environment, 'list.flatten(): list', (list: List) => flatten(list, 1n));
  define(environment, 'list.flatten(int): list', flatten);
  define(environment, 'list.distinct(): list', (list: List) => list.filter((one, index) => !includes(list.slice(0, index), one)));
  define(environment, 'list.reverse(): list', (list: List) => [...list].reverse());
  define(environment, 'list.sort(): list', (list: List) => [...list].sort(celCompare));
  namespace(environment, 'lists', 'ListsNamespace');
  define(environment, 'ListsNamespace.range(int): list<int>', (_: unknown, end: bigint) =>
    Array.from({ length: Math.max(0, Number(end)) }, (__, index) => BigInt(index)),
  );
  namespace(environment, 'sets', 'SetsNamespace');
  const contains = (a: List, b: List): boolean => b.every((one) => includes(a, one));
  define(environment, 'SetsNamespace.contains(list, list): bool', (_: unknown, a: List, b: List) => contains(a, b));
  define(environment, 'SetsNamespace.equivalent(list, list): bool', (_: unknown, a: List, b: List) => contains(a, b) && contains(b, a));
  define(environment, 'SetsNamespace.intersects(list, list): bool', (_: unknown, a: List, b: List) => a.some((one) => includes(b, one)));
};
