/** What is wrong with an expression, in the words and at the places of cel-go. */
import type { ASTNode, Environment } from '@marcbachmann/cel-js';

export interface Problem {
  text: string;
  position: number;
}

const operators: Readonly<Record<string, string>> = { in: '@in', '[]': '_[_]', '?:': '_?_:_' };
const messageTypes: readonly (readonly [RegExp, string])[] = [
  [/google\.protobuf\.Timestamp/g, 'timestamp'],
  [/google\.protobuf\.Duration/g, 'duration'],
  [/\boptional</g, 'optional_type<'],
  [/</g, '('],
  [/>/g, ')'],
];

const typeText = (type: string): string => messageTypes.reduce((text, [from, to]) => text.replace(from, to), type);

const callables = new WeakMap<Environment, ReadonlySet<string>>();

function isCallable(environment: Environment, name: string): boolean {
  let known = callables.get(environment);
  if (!known) {
    known = new Set(environment.getDefinitions().functions.map((one) => one.name));
    callables.set(environment, known);
  }
  return known.has(name);
}

/** `error` is the library's, about what stands at `start`. */
export function problemOf(environment: Environment, expression: string, summary: string, node: ASTNode | undefined, start: number): Problem {
  const unknown = /^Unknown variable: (.*)$/.exec(summary)?.[1];
  if (unknown !== undefined) return { text: `undeclared reference to '${unknown}' (in container '')`, position: start };
  const binary = /^no such overload: (.+) (\S+) (.+)$/.exec(summary);
  if (binary) {
    const [, left = '', operator = '', right = ''] = binary;
    const [first] = (Array.isArray(node?.args) ? node.args : []) as ASTNode[];
    const at = expression.indexOf(operator, first?.end ?? start);
    const text = `found no matching overload for '${operators[operator] ?? `_${operator}_`}' applied to '(${typeText(left)}, ${typeText(right)})'`;
    return { text, position: at < 0 ? start : at };
  }
  const unary = /^no such overload: ([!-])(.+)$/.exec(summary);
  if (unary) return { text: `found no matching overload for '${unary[1]}_' applied to '(${typeText(unary[2] ?? '')})'`, position: start };
  const call = /^found no matching overload for '(?:(.*)\.)?(\w+)\((.*)\)'$/.exec(summary);
  if (!call) return { text: summary, position: start };
  const [, receiver, name = '', types = ''] = call;
  const named = expression.indexOf(name, start);
  const open = named < 0 ? -1 : expression.indexOf('(', named);
  const position = open < 0 ? start : open;
  if (!isCallable(environment, name)) return { text: `undeclared reference to '${name}' (in container '')`, position };
  return {
    text: `found no matching overload for '${name}' applied to '${receiver === undefined ? '' : `${typeText(receiver)}.`}(${typeText(types)})'`,
    position,
  };
}

/** Fields that a variable has; below `true` anything may stand. */
export interface Fields {
  readonly [name: string]: Fields | true;
}

type Node = { op?: string; args?: unknown; end?: number };

const isNode = (value: unknown): value is ASTNode => typeof (value as Node | null)?.op === 'string';

/** The first field that an expression names of a variable which has no such field. */
export function unknownField(ast: ASTNode, variables: Fields): { name: string; position: number } | undefined {
  let found: { name: string; position: number } | undefined;
  const visit = (value: unknown): Fields | true | undefined => {
    if (Array.isArray(value)) for (const one of value) visit(one);
    if (!isNode(value)) return undefined;
    if (value.op === 'id') return Object.hasOwn(variables, value.args) ? variables[value.args] : undefined;
    if (value.op !== '.') {
      visit(value.args);
      return undefined;
    }
    const [holder, name] = value.args;
    const fields = visit(holder);
    if (fields === undefined || fields === true) return undefined;
    if (Object.hasOwn(fields, name)) return fields[name];
    found ??= { name, position: value.end - name.length - 1 };
    return undefined;
  };
  visit(ast);
  return found;
}
