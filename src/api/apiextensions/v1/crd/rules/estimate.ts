/**
 * Follows a rule through its schema: which properties it names that are not there, and what it may cost at most. The costs are a
 * lower bound of upstream's (`cel-go/checker`), so that no definition is refused that upstream takes: what is charged for the length of
 * texts and lists is, where that is known; calls of library functions count as one.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { celName } from '../../../../../apimachinery/cel/names.ts';
import { matchesFunction } from '../../../../../apimachinery/cel/syntax.ts';
import { own } from '../../../../../apimachinery/own.ts';
import type { JSONSchemaProps } from '../../types.gen.ts';
import { itemsOf, maxElements, maxTextBytes, valuesOf } from './sizes.ts';

/** What is known of a value; nothing of one whose type is open. */
interface Shape {
  schema?: JSONSchemaProps | undefined;
  /** Of lists that the rule makes. */
  size?: number;
  /** Of texts that the rule makes, in bytes. */
  bytes?: number;
}

export interface Estimate {
  cost: number;
  /** The first property that no value can have. */
  undefinedField: { name: string; position: number } | undefined;
  names: ReadonlySet<string>;
}

type Scope = ReadonlyMap<string, Shape>;

const oneVariable = new Set(['all', 'exists', 'exists_one', 'existsOne', 'map', 'filter', 'sortBy', 'optMap', 'optFlatMap']);
const twoVariables = new Set(['all', 'exists', 'exists_one', 'existsOne', 'transformList', 'transformMap', 'transformMapEntry']);
/** These give what they are called on, or a part of it. */
const transparent = new Set(['filter', 'sortBy', '__value', 'orValue', 'or', 'slice', 'distinct', 'sort', 'reverse']);
/** What a turn costs besides its body: asking whether to go on, and adding to the result. */
const turnCosts: Readonly<Record<string, number>> = { all: 3, exists: 4, map: 11, filter: 13 };
const turnCost = 2;
const listCost = 10;
const mapCost = 30;
/** For each byte that is looked at. */
const traversal = 0.1;
const regexTraversal = 0.25;
const anyMap: JSONSchemaProps = { type: 'object' };

/** Upstream knows no length of a map's keys, and counts none. */
const keyOf = (schema: JSONSchemaProps): Shape => (schema.type === 'array' ? { schema: itemsOf(schema) } : valuesOf(schema) ? { bytes: 0 } : {});
const elementsOf = (schema: JSONSchemaProps): JSONSchemaProps | undefined => itemsOf(schema) ?? valuesOf(schema);

class Walk {
  readonly names = new Set<string>();
  cost = 0;
  undefinedField: Estimate['undefinedField'];

  visit(node: ASTNode, scope: Scope): Shape {
    switch (node.op) {
      case 'value':
        return typeof node.args === 'string' ? { bytes: Buffer.byteLength(node.args) } : {};
      case 'id':
        this.cost++;
        this.names.add(node.args);
        return scope.get(node.args) ?? {};
      case '.':
      case '.?':
        this.cost++;
        return this.#member(this.visit(node.args[0], scope), node.args[1], node.end - node.args[1].length - 1, node.op === '.?');
      case '[]':
      case '[?]':
        this.cost++;
        return this.#index(node.args, scope);
      case 'call':
        return this.#call(node.args[0], node.args[1], scope);
      case 'rcall':
        return this.#method(node.args[0], node.args[1], node.args[2], scope);
      case 'list':
        this.cost += listCost;
        for (const one of node.args) this.visit(one, scope);
        return { size: node.args.length };
      case 'map':
        this.cost += mapCost;
        for (const one of node.args.flat()) this.visit(one, scope);
        return { schema: anyMap, size: node.args.length };
      case '?:':
        return this.#choice(node.args, scope);
      case '||':
      case '&&':
        for (const one of node.args) this.visit(one, scope);
        return {};
      case '!_':
      case '-_':
        this.cost++;
        this.visit(node.args, scope);
        return {};
      default:
        return this.#operator(node.op, node.args as [ASTNode, ASTNode], scope);
    }
  }

  #member({ schema }: Shape, name: string, position: number, optional: boolean): Shape {
    if (!schema || schema['x-kubernetes-int-or-string']) return {};
    const values = valuesOf(schema);
    if (values) return { schema: values };
    if (schema.type !== 'object') return {};
    for (const [property, inner] of Object.entries(schema.properties ?? {})) if (celName(property) === name) return { schema: inner };
    if (!optional) this.undefinedField ??= { name, position };
    return {};
  }

  #index([holder, index]: readonly [ASTNode, ASTNode], scope: Scope): Shape {
    const { schema } = this.visit(holder, scope);
    this.visit(index, scope);
    return { schema: schema && elementsOf(schema) };
  }

  #operator(operator: string, [left, right]: readonly [ASTNode, ASTNode], scope: Scope): Shape {
    const [one, other] = [this.visit(left, scope), this.visit(right, scope)];
    const [first, second] = [bytesOf(one), bytesOf(other)];
    if (first !== undefined && second !== undefined) {
      const [joined, looked] = [first + second, Math.min(first, second)];
      this.cost += Math.ceil((operator === '+' ? joined : looked) * traversal);
      return operator === '+' ? { bytes: joined } : {};
    }
    const [size, otherSize] = [sizeOf(one), sizeOf(other)];
    if ((operator === '==' || operator === '!=') && size !== undefined && otherSize !== undefined) {
      this.cost += Math.ceil(Math.min(size, otherSize) * traversal);
      return {};
    }
    this.cost += (operator === 'in' && other.schema?.type !== 'object' ? otherSize : undefined) ?? 1;
    return size === undefined || otherSize === undefined ? {} : { schema: one.schema, size: size + otherSize };
  }

  #choice([condition, yes, no]: readonly [ASTNode, ASTNode, ASTNode], scope: Scope): Shape {
    this.visit(condition, scope);
    const before = this.cost;
    const one = this.visit(yes, scope);
    const first = this.cost - before;
    this.cost = before;
    const other = this.visit(no, scope);
    this.cost = before + Math.max(first, this.cost - before);
    return one.schema ? one : other;
  }

  #call(name: string, args: readonly ASTNode[], scope: Scope): Shape {
    const shapes = args.map((one) => this.visit(one, scope));
    const [on, given] = shapes.map(bytesOf);
    if (name !== '__has' && name !== 'dyn') this.cost += textCost(name, on, given) ?? 1;
    return name.startsWith('__') && name !== '__has' && name !== matchesFunction ? (shapes[0] ?? {}) : {};
  }

  #method(name: string, receiver: ASTNode, args: readonly ASTNode[], scope: Scope): Shape {
    if (name === 'bind' && receiver.op === 'id' && receiver.args === 'cel') return this.#bind(args, scope);
    const on = this.visit(receiver, scope);
    const variables = twoVariables.has(name) && args.length > 2 && args[1]?.op === 'id' ? 2 : oneVariable.has(name) && args.length > 1 ? 1 : 0;
    if (variables === 0) {
      const [shape] = args.map((one) => this.visit(one, scope));
      this.cost += textCost(name, bytesOf(on), shape && bytesOf(shape)) ?? 1;
    } else this.#loop(name, on, args, variables, scope);
    if (transparent.has(name)) return on;
    const size = name === 'map' || name === 'transformList' ? sizeOf(on) : undefined;
    return size === undefined ? {} : { size };
  }

  #loop(name: string, on: Shape, args: readonly ASTNode[], variables: number, scope: Scope): void {
    const before = this.cost;
    const inner = new Map(scope);
    const optional = name.startsWith('opt');
    const [first, second] = args.slice(0, variables).map((one) => (one.op === 'id' ? one.args : ''));
    const { schema } = on;
    if (second !== undefined) {
      inner.set(first ?? '', schema && schema.type !== 'array' ? keyOf(schema) : {});
      inner.set(second, { schema: schema && elementsOf(schema) });
    } else inner.set(first ?? '', optional ? on : schema ? keyOf(schema) : {});
    for (const body of args.slice(variables)) this.visit(body, inner);
    const turns = optional ? 1 : (sizeOf(on) ?? 1);
    this.cost = before + turns * (this.cost - before + (own(turnCosts, name) ?? turnCost));
  }

  #bind([variable, value, body]: readonly ASTNode[], scope: Scope): Shape {
    if (variable?.op !== 'id' || !value || !body) return {};
    return this.visit(body, new Map(scope).set(variable.args, this.visit(value, scope)));
  }
}

/** What a function costs that goes through a text; undefined for others, and where the texts may be anything. */
function textCost(name: string, on: number | undefined, given: number | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (name === 'startsWith' || name === 'endsWith') return Math.ceil(given * traversal);
  if (on === undefined) return undefined;
  if (name === 'contains') return Math.ceil(on * traversal) * Math.ceil(given * traversal);
  return name === matchesFunction || name === 'matches' ? Math.ceil((on + 1) * traversal) * Math.ceil(given * regexTraversal) : undefined;
}

const bytesOf = ({ schema, bytes }: Shape): number | undefined => bytes ?? (schema && maxTextBytes(schema));
const sizeOf = ({ schema, size }: Shape): number | undefined => size ?? (schema && maxElements(schema));

/** `self` is what the rule stands at. */
export function estimate(rule: ASTNode, self: JSONSchemaProps): Estimate {
  const walk = new Walk();
  walk.visit(
    rule,
    new Map([
      ['self', { schema: self }],
      ['oldSelf', { schema: self }],
    ]),
  );
  return walk;
}
