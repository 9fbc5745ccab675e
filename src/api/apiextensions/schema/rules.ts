/** `x-kubernetes-validations`: CEL rules of a schema. Source of the rules: KEP-2876, apiextensions `schema/cel`. */

import type { CelEnvironment } from '../../../apimachinery/cel/environment.ts';
import { createCelEnvironment } from '../../../apimachinery/cel/environment.ts';
import type { CelBudget } from '../../../apimachinery/cel/meter.ts';
import { celName } from '../../../apimachinery/cel/names.ts';
import type { CelProgram } from '../../../apimachinery/cel/program.ts';
import { CelCostError, compileCel } from '../../../apimachinery/cel/program.ts';
import { celDuration, celMap, celOptional, celValue } from '../../../apimachinery/cel/values.ts';
import { deepEqual } from '../../../apimachinery/equality.ts';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { duplicate, forbiddenField, invalidUnshown, invalidValue, path, required } from '../../../apimachinery/fieldpath.ts';
import { own } from '../../../apimachinery/own.ts';
import type { JSONSchemaProps, ValidationRule } from '../v1/types.gen.ts';
import { counterpart } from './ratchet.ts';
import { isSchema, itemsOf } from './struct.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value as CEL sees it, by its schema: integers, doubles and times are what they are declared to be. */
function typed(value: unknown, schema: JSONSchemaProps | undefined): unknown {
  if (value === null || value === undefined || !schema) return celValue(value);
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return value.map((item) => typed(item, items));
  }
  if (isObject(value)) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    if (isSchema(schema.additionalProperties)) {
      const { additionalProperties } = schema;
      return celMap(Object.fromEntries(entries.map(([name, inner]) => [name, typed(inner, additionalProperties)])));
    }
    return celMap(Object.fromEntries(entries.map(([name, inner]) => [celName(name), typed(inner, own(schema.properties, name))])));
  }
  if (typeof value === 'number') return schema.type === 'number' ? value : celValue(value);
  return typeof value === 'string' ? typedText(value, schema.format) : value;
}

/** What isn't of its format stays text: saying so is the format's business. */
function typedText(value: string, format: string | undefined): unknown {
  switch (format) {
    case 'date-time':
    case 'date': {
      const date = new Date(value);
      return Number.isNaN(date.getTime()) ? value : date;
    }
    case 'duration':
      return celDuration(value) ?? value;
    case 'byte':
      return new Uint8Array(Buffer.from(value, 'base64'));
    default:
      return value;
  }
}

interface CompiledRule {
  rule: ValidationRule;
  program: CelProgram | Error;
  message: CelProgram | undefined;
  usesOld: boolean;
}

let environment: CelEnvironment | undefined;
const compiled = new WeakMap<JSONSchemaProps, CompiledRule[]>();

function compileOne(rule: ValidationRule): CompiledRule {
  environment ??= createCelEnvironment({ self: 'dyn', oldSelf: 'dyn' });
  let program: CelProgram | Error;
  try {
    program = compileCel(environment, rule.rule, ['bool']);
  } catch (error) {
    program = error as Error;
  }
  let message: CelProgram | undefined;
  try {
    message = rule.messageExpression ? compileCel(environment, rule.messageExpression, ['string']) : undefined;
  } catch {
    // The plain message stands in for one that can't be computed.
  }
  return { rule, program, message, usesOld: /\boldSelf\b/.test(rule.rule) };
}

function rulesOf(schema: JSONSchemaProps): CompiledRule[] {
  const rules = schema['x-kubernetes-validations'];
  if (!rules?.length) return [];
  let found = compiled.get(schema);
  if (!found) {
    found = rules.map(compileOne);
    compiled.set(schema, found);
  }
  return found;
}

/** Whether anything below has rules. */
export function hasRules(schema: JSONSchemaProps | undefined): boolean {
  if (!schema) return false;
  if (schema['x-kubernetes-validations']?.length) return true;
  const items = itemsOf(schema);
  if (items && hasRules(items)) return true;
  if (isSchema(schema.additionalProperties) && hasRules(schema.additionalProperties)) return true;
  return Object.values(schema.properties ?? {}).some(hasRules);
}

/** What all rules together may cost for one object. */
const objectBudget = 10_000_000;

/**
 * What the rules find wrong with a value that is valid otherwise. `old` is what stood there; absent when nothing did.
 * `forgiving`: what was wrong before and was not touched is let through, save by rules about the change itself (KEP-4008).
 */
export const validateRules = (value: unknown, old: unknown, schema: JSONSchemaProps, { at = '', forgiving = false } = {}): FieldError[] =>
  validateBelow(value, old, schema, at, { budget: { remaining: objectBudget }, forgiving, untouched: () => false });

interface Surroundings {
  budget: CelBudget;
  forgiving: boolean;
  /** Whether what is around it, as far down as before and after can be told apart, is as it was. */
  untouched(): boolean;
}

function validateBelow(
  value: unknown,
  old: unknown,
  schema: JSONSchemaProps,
  at: string,
  { budget, forgiving, untouched: around }: Surroundings,
): FieldError[] {
  if (value === undefined || value === null) return [];
  let known: boolean | undefined;
  const untouched = (): boolean => {
    known ??= around() || (old !== undefined && deepEqual(old, value));
    return known;
  };
  const errors = rulesOf(schema).flatMap((rule) => {
    const found = applyRule(rule, value, old, schema, at, budget);
    return forgiving && found.length > 0 && budget.remaining >= 0 && !rule.usesOld && untouched() ? [] : found;
  });
  const inside = { budget, forgiving, untouched };
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (!items || !hasRules(items)) return errors;
    for (const [index, item] of value.entries()) errors.push(...validateBelow(item, counterpart(item, old, schema), items, `${at}[${index}]`, inside));
  } else if (isObject(value)) {
    const before = isObject(old) ? old : {};
    for (const [name, inner] of Object.entries(value)) {
      const property = own(schema.properties, name);
      if (property) errors.push(...validateBelow(inner, own(before, name), property, at === '' ? name : `${at}.${name}`, inside));
      else if (isSchema(schema.additionalProperties))
        errors.push(...validateBelow(inner, own(before, name), schema.additionalProperties, `${at}[${name}]`, inside));
    }
  }
  return errors;
}

const ruleText = ({ rule }: ValidationRule): string => `rule ${JSON.stringify(rule)}`;

function applyRule(
  { rule, program, message, usesOld }: CompiledRule,
  value: unknown,
  old: unknown,
  schema: JSONSchemaProps,
  at: string,
  budget: CelBudget,
): FieldError[] {
  if (budget.remaining < 0) return [];
  const place = at === '' ? '<nil>' : at;
  const type = schema.type ?? '';
  if (program instanceof Error) return [invalidValue(place, type, `rule compile error: ${program.message}`)];
  const isNew = old === undefined || old === null;
  if (usesOld && isNew && !rule.optionalOldSelf) return [];
  const before = isNew ? undefined : typed(old, schema);
  const variables = { self: typed(value, schema), oldSelf: rule.optionalOldSelf ? celOptional(before) : before };
  let result: unknown;
  try {
    result = program.evaluate(variables, budget);
  } catch (error) {
    if (error instanceof CelCostError) return [tooExpensive(error, rule, place, type, budget)];
    return [invalidValue(place, type, `${(error as Error).message} evaluating rule: ${ruleText(rule)}`)];
  }
  if (result === true) return [];
  const field = rule.fieldPath ? `${at}${rule.fieldPath}`.replace(/^\./, '') : place;
  return [failure(rule, field, value, detailOf(rule, message, variables))];
}

/** Whatever comes after it is not asked any more. */
function tooExpensive({ message, budgetSpent }: CelCostError, rule: ValidationRule, place: string, type: string, budget: CelBudget): FieldError {
  budget.remaining = -1;
  if (budgetSpent) return invalidValue(place, type, message);
  return invalidValue(place, type, `'${message}': no further validation rules will be run due to call cost exceeds limit for rule: ${ruleText(rule)}`);
}

function detailOf(rule: ValidationRule, message: CelProgram | undefined, variables: Record<string, unknown>): string {
  try {
    const text = message?.evaluate(variables);
    if (typeof text === 'string' && text.trim() !== '') return text.trim();
  } catch {
    // A message that can't be computed is replaced by the plain one.
  }
  return rule.message || `failed rule: ${rule.rule.trim()}`;
}

function failure({ reason }: ValidationRule, field: string, value: unknown, detail: string): FieldError {
  switch (reason) {
    case 'FieldValueForbidden':
      return forbiddenField(path(field), detail);
    case 'FieldValueRequired':
      return required(path(field), detail);
    case 'FieldValueDuplicate':
      return duplicate(path(field), value);
    default:
      return typeof value === 'object' ? invalidUnshown(field, detail) : invalidValue(field, value, detail);
  }
}
