/** Whether the rules of a schema (`x-kubernetes-validations`) can be compiled, and not cost too much. Source of the rules: KEP-2876, KEP-3488. */
import { createCelEnvironment } from '../../../../../apimachinery/cel/environment.ts';
import { CelCompileError, compileErrorText, syntaxOf } from '../../../../../apimachinery/cel/program.ts';
import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, required } from '../../../../../apimachinery/fieldpath.ts';
import type { JSONSchemaProps, ValidationRule } from '../../types.gen.ts';
import { estimate } from './estimate.ts';
import { declaredElements, itemsOf, maxOccurrences, valuesOf } from './sizes.ts';

const maxRuleCost = 10_000_000;
const maxTotalCost = 100_000_000;
const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const shownContributors = 4;

interface Total {
  sum: number;
  rules: { at: FieldPath; cost: number }[];
}

/** Where in the schema a rule stands. */
interface Place {
  at: FieldPath;
  /** How many values the lists and maps above allow, for each of which the rule is evaluated; undefined when one of them has no limit. */
  count: number | undefined;
  /** A list above whose items have no identity, so that none has an old value. */
  uncorrelatable: FieldPath | undefined;
  /** The root of an object, which has metadata. */
  root: boolean;
}

const objectMeta: JSONSchemaProps = { type: 'object', properties: { name: { type: 'string' }, generateName: { type: 'string' } } };

/** Every object has a kind and a name, whatever its schema says. */
function withObjectMeta(schema: JSONSchemaProps): JSONSchemaProps {
  const { metadata, ...own } = schema.properties ?? {};
  const properties = { apiVersion: { type: 'string' }, kind: { type: 'string' }, ...own };
  return { ...schema, properties: { ...properties, metadata: { ...objectMeta, properties: { ...metadata?.properties, ...objectMeta.properties } } } };
}

function factorOf(cost: number, limit: number): string {
  const factor = cost / limit;
  return factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
}

const costText = (what: string, cost: number, limit: number): string =>
  `${what} exceeds budget by factor of ${factorOf(cost, limit)} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;

const hasLineBreak = (text: string): boolean => /[\n\r]/.test(text);

/** What is wrong with how the rule is written down. */
function validateForm({ rule = '', message = '', messageExpression = '', reason, fieldPath = '' }: ValidationRule, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const nonEmpty = 'must be non-empty if specified';
  if (rule.trim() === '') errors.push(required(at.child('rule'), 'rule is not specified'));
  else if (message !== '' && message.trim() === '') errors.push(invalidValue(at.child('message'), message, nonEmpty));
  else if (hasLineBreak(message.trim())) errors.push(invalidValue(at.child('message'), message, 'must not contain line breaks'));
  else if (hasLineBreak(rule.trim()) && message.trim() === '') {
    errors.push(required(at.child('message'), 'message must be specified if rule contains line breaks'));
  }
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.push(required(at.child('messageExpression'), 'messageExpression must be non-empty if specified'));
  }
  if (reason !== undefined && !reasons.includes(reason)) errors.push(notSupported(at.child('reason'), reason, reasons));
  if (fieldPath !== '' && fieldPath.trim() === '') errors.push(invalidValue(at.child('fieldPath'), fieldPath, nonEmpty));
  if (hasLineBreak(fieldPath)) errors.push(invalidValue(at.child('fieldPath'), fieldPath, 'must not contain line breaks'));
  return errors;
}

let environment: ReturnType<typeof createCelEnvironment> | undefined;

interface Compiled {
  problem?: string;
  cost: number;
  usesOld: boolean;
}

function compile(expression: string, wanted: string, schema: JSONSchemaProps): Compiled {
  environment ??= createCelEnvironment({ self: 'dyn', oldSelf: 'dyn' });
  try {
    const { cost, undefinedField: field, names } = estimate(syntaxOf(environment, expression, [wanted]), schema);
    const usesOld = names.has('oldSelf');
    return field ? { problem: compileErrorText(expression, field.position, `undefined field '${field.name}'`), cost, usesOld } : { cost, usesOld };
  } catch (error) {
    if (error instanceof CelCompileError) return { problem: error.message, cost: 0, usesOld: false };
    throw error;
  }
}

function validateCost(what: string, cost: number, at: FieldPath, total: Total): FieldError[] {
  total.sum += cost;
  total.rules.push({ at, cost });
  return cost > maxRuleCost ? [forbiddenField(at, costText(what, cost, maxRuleCost))] : [];
}

function validateRule(rule: ValidationRule, schema: JSONSchemaProps, place: Place, at: FieldPath, total: Total): FieldError[] {
  const ruleAt = at.child('rule');
  const seen = place.root ? withObjectMeta(schema) : schema;
  const { problem, cost, usesOld } = compile(rule.rule, 'bool', seen);
  const errors = validateCost('estimated rule cost', cost * (place.count ?? maxOccurrences(schema)), ruleAt, total);
  if (problem !== undefined) return [...errors, invalidValue(ruleAt, rule, problem)];
  if (rule.messageExpression) {
    const messageAt = at.child('messageExpression');
    const text = compile(rule.messageExpression, 'string', seen);
    if (text.problem === undefined) errors.push(...validateCost('estimated messageExpression cost', text.cost, messageAt, total));
    else errors.push(invalidValue(messageAt, rule, `messageExpression compilation failed: ${text.problem}`));
  }
  if (usesOld && place.uncorrelatable) {
    const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelatable}`;
    errors.push(invalidValue(ruleAt, rule.rule, detail));
  }
  if (!usesOld && rule.optionalOldSelf !== undefined) {
    errors.push(invalidValue(at.child('optionalOldSelf'), rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'));
  }
  return errors;
}

function walk(schema: JSONSchemaProps, place: Place, total: Total): FieldError[] {
  const { at, count, uncorrelatable } = place;
  const each = declaredElements(schema);
  const times = count === undefined || each === undefined ? undefined : count * each;
  const child = (inner: JSONSchemaProps, innerAt: FieldPath, from = uncorrelatable): FieldError[] =>
    walk(inner, { at: innerAt, count: times, uncorrelatable: from, root: inner['x-kubernetes-embedded-resource'] === true }, total);
  const errors: FieldError[] = [];
  for (const [name, inner] of Object.entries(schema.properties ?? {})) errors.push(...child(inner, at.child('properties').key(name)));
  const [items, values] = [itemsOf(schema), valuesOf(schema)];
  if (items) errors.push(...child(items, at.child('items'), schema['x-kubernetes-list-type'] === 'map' ? uncorrelatable : (uncorrelatable ?? at)));
  if (values) errors.push(...child(values, at.child('additionalProperties')));
  const rulesAt = at.child('x-kubernetes-validations');
  for (const [index, rule] of (schema['x-kubernetes-validations'] ?? []).entries()) {
    const form = validateForm(rule, rulesAt.index(index));
    errors.push(...(form.length > 0 ? form : validateRule(rule, schema, place, rulesAt.index(index), total)));
  }
  return errors;
}

/** `at` is the place of the root schema, which must be structural. */
export function validateSchemaRules(schema: JSONSchemaProps, at: FieldPath): FieldError[] {
  const total: Total = { sum: 0, rules: [] };
  const errors = walk(schema, { at, count: 1, uncorrelatable: undefined, root: true }, total);
  if (total.sum <= maxTotalCost) return errors;
  const most = total.rules.filter(({ cost }) => cost >= maxTotalCost / 100).sort((a, b) => b.cost - a.cost);
  const contributed = 'contributed to estimated rule & messageExpression cost total exceeding cost limit for entire OpenAPIv3 schema';
  return [
    ...errors,
    ...most.slice(0, shownContributors).map((one) => forbiddenField(one.at, contributed)),
    forbiddenField(at, costText('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', total.sum, maxTotalCost)),
  ];
}
