/** Macros that the parser's library does not have: two-variable comprehensions, `existsOne`, `sortBy`, `optMap`, `optFlatMap`, and a `has` for every member. */
import { type ASTNode, type Environment, Optional } from '@marcbachmann/cel-js';
import { hasFunction } from '../syntax.ts';
import { CelStruct, celCompare, celMap, entriesOf } from '../values.ts';
import type { Library } from './register.ts';

/** The parts of the library's checker, evaluator and scopes that macros are handed; they have no published types. */
interface Scope {
  forkWithVariable(name: string, type: unknown): Scope;
  reuse(parent: Scope): Scope;
  setIterValue(value: unknown, evaluator: Evaluator): Scope;
}
interface Checker {
  check(node: ASTNode, scope: Scope): unknown;
  getType(name: string): unknown;
}
interface Evaluator {
  run(node: ASTNode, scope: Scope): unknown;
}
interface Expansion {
  args: ASTNode[];
  receiver: ASTNode;
}

function variableOf(node: ASTNode | undefined): string {
  if (node?.op !== 'id') throw new Error('argument must be a simple name');
  return node.args;
}

function bodyOf(node: ASTNode | undefined): ASTNode {
  if (!node) throw new Error('argument is missing');
  return node;
}

/** Runs a body with the variables bound. */
type Run = (body: number, ...values: unknown[]) => unknown;

interface MacroShape {
  signature: string;
  /** How many of the arguments are variables. */
  variables: number;
  result: string;
  evaluate(receiver: unknown, run: Run, bodies: number): unknown;
}

/** A macro is checked with its variables as `dyn`, and evaluated by its shape. */
function macro(environment: Environment, shape: MacroShape): void {
  environment.registerFunction(shape.signature, ({ args, receiver }: Expansion) => {
    const names = args.slice(0, shape.variables).map(variableOf);
    const bodies = args.slice(shape.variables).map(bodyOf);
    let scopes: Scope[] = [];
    return {
      async: false,
      typeCheck(checker: Checker, _: unknown, scope: Scope) {
        checker.check(receiver, scope);
        scopes = [];
        for (const name of names) scopes.push((scopes.at(-1) ?? scope).forkWithVariable(name, checker.getType('dyn')));
        for (const body of bodies) checker.check(body, scopes.at(-1) ?? scope);
        return checker.getType(shape.result);
      },
      evaluate(evaluator: Evaluator, _: unknown, scope: Scope) {
        const run: Run = (body, ...values) => {
          const inner = scopes.reduce((parent, one, index) => one.reuse(parent).setIterValue(values[index], evaluator), scope);
          const value = evaluator.run(bodyOf(bodies[body]), inner);
          if (value instanceof Promise) throw new Error('functions that wait are not supported in this macro');
          return value;
        };
        return shape.evaluate(evaluator.run(receiver, scope), run, bodies.length);
      },
    };
  });
}

const rangeOf = (value: unknown): [unknown, unknown][] => {
  if (typeof value !== 'object' || value === null) throw new Error('no such overload: expression cannot be the range of a comprehension');
  return entriesOf(value);
};

const truth = (value: unknown): boolean => {
  if (typeof value !== 'boolean') throw new Error('no such overload: predicate must return bool');
  return value;
};

/** An error counts only when no other element decides. */
function quantify(range: [unknown, unknown][], run: Run, decisive: boolean): boolean {
  let failure: unknown;
  for (const [key, value] of range) {
    try {
      if (truth(run(0, key, value)) === decisive) return decisive;
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure) throw failure;
  return !decisive;
}

/** With a filter, the transformation is the second body. */
const transformed = (range: [unknown, unknown][], run: Run, bodies: number): [unknown, unknown][] =>
  range.filter((pair) => bodies === 1 || truth(run(0, ...pair))).map((pair) => [pair[0], run(bodies - 1, ...pair)]);

function mergeEntries(pairs: [unknown, unknown][]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [, entry] of pairs)
    for (const [key, value] of rangeOf(entry)) {
      if (Object.hasOwn(result, String(key))) throw new Error(`insert failed: key ${String(key)} already exists`);
      result[String(key)] = value;
    }
  return result;
}

const toMap = (pairs: [unknown, unknown][]): object => celMap(Object.fromEntries(pairs.map(([key, value]) => [String(key), value])));
function hasMember(holder: unknown, name: string): boolean {
  if (holder instanceof Optional) return holder.hasValue() && hasMember(holder.value(), name);
  if (holder instanceof CelStruct) return Object.hasOwn(holder.fields, name);
  if (holder instanceof Map) return holder.has(name);
  if (typeof holder !== 'object' || holder === null || Array.isArray(holder)) throw new Error('no such overload: only maps and messages have members');
  // Members may be computed when they are asked for (a policy's variables): those count without being asked.
  return (
    Object.hasOwn(holder, name) && (Object.getOwnPropertyDescriptor(holder, name)?.get !== undefined || (holder as Record<string, unknown>)[name] !== undefined)
  );
}

function hasMacro({ args: [member] }: Expansion): object {
  if (member?.op !== '.' && member?.op !== '.?') throw new Error('invalid argument to has() macro');
  const [holder, name] = member.args;
  return {
    async: false,
    typeCheck(checker: Checker, _: unknown, scope: Scope) {
      checker.check(holder, scope);
      return checker.getType('bool');
    },
    evaluate: (evaluator: Evaluator, _: unknown, scope: Scope) => hasMember(evaluator.run(holder, scope), name),
  };
}

const exactlyOne = (count: number): boolean => count === 1;

export const macros: Library = (environment) => {
  environment.registerFunction(`${hasFunction}(ast): bool`, hasMacro);
  const two = 2;
  macro(environment, {
    signature: 'list.all(ast, ast, ast): bool',
    variables: two,
    result: 'bool',
    evaluate: (value, run) => quantify(rangeOf(value), run, false),
  });
  macro(environment, {
    signature: 'list.exists(ast, ast, ast): bool',
    variables: two,
    result: 'bool',
    evaluate: (value, run) => quantify(rangeOf(value), run, true),
  });
  for (const name of ['existsOne', 'exists_one']) {
    const count = (pairs: unknown[][], run: Run): number => pairs.filter((pair) => truth(run(0, ...pair))).length;
    macro(environment, {
      signature: `list.${name}(ast, ast, ast): bool`,
      variables: two,
      result: 'bool',
      evaluate: (value, run) => exactlyOne(count(rangeOf(value), run)),
    });
    if (name === 'exists_one') continue;
    const elements = (value: unknown): unknown[][] => rangeOf(value).map(([key, one]) => [Array.isArray(value) ? one : key]);
    macro(environment, {
      signature: `list.${name}(ast, ast): bool`,
      variables: 1,
      result: 'bool',
      evaluate: (value, run) => exactlyOne(count(elements(value), run)),
    });
  }
  for (const parameters of ['ast, ast, ast', 'ast, ast, ast, ast']) {
    macro(environment, {
      signature: `list.transformList(${parameters}): list<dyn>`,
      variables: two,
      result: 'list<dyn>',
      evaluate: (value, run, bodies) => transformed(rangeOf(value), run, bodies).map(([, one]) => one),
    });
    macro(environment, {
      signature: `list.transformMap(${parameters}): map<dyn, dyn>`,
      variables: two,
      result: 'map<dyn, dyn>',
      evaluate: (value, run, bodies) => toMap(transformed(rangeOf(value), run, bodies)),
    });
    macro(environment, {
      signature: `list.transformMapEntry(${parameters}): map<dyn, dyn>`,
      variables: two,
      result: 'map<dyn, dyn>',
      evaluate: (value, run, bodies) => mergeEntries(transformed(rangeOf(value), run, bodies)),
    });
  }
  macro(environment, {
    signature: 'list.sortBy(ast, ast): list<dyn>',
    variables: 1,
    result: 'list<dyn>',
    evaluate: (value, run) =>
      rangeOf(value)
        .map(([, one]) => ({ one, key: run(0, one) }))
        .sort((a, b) => celCompare(a.key, b.key))
        .map(({ one }) => one),
  });
  const present = (value: unknown): Optional => {
    if (!(value instanceof Optional)) throw new Error('no such overload: receiver must be optional');
    return value;
  };
  macro(environment, {
    signature: 'optional.optMap(ast, ast): optional<dyn>',
    variables: 1,
    result: 'optional',
    evaluate: (value, run) => (present(value).hasValue() ? Optional.of(run(0, present(value).value())) : Optional.none()),
  });
  macro(environment, {
    signature: 'optional.optFlatMap(ast, ast): optional<dyn>',
    variables: 1,
    result: 'optional',
    evaluate: (value, run) => (present(value).hasValue() ? run(0, present(value).value()) : Optional.none()),
  });
};
