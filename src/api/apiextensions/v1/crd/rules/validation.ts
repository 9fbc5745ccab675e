/** Whether the rules of a schema (`x-kubernetes-validations`) can be compiled, and not cost too much. Source of the rules: KEP-2876, KEP-3488. */
import { createCelEnvironment } from '../../../../../apimachinery/cel/environment.ts';
import { CelCompileError, compileErrorText, syntaxOf } from '../../../../../apimachinery/cel/program.ts';
import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, required } from '../../../../../apimachinery/fieldpath.ts';
import type { JSONSchemaProps, ValidationRule } from '../../types.gen.ts';
import { ruleValue } from '../internal.ts';
import { resolvePath } from '../path.ts';
import { estimate } from './estimate.ts';
import { maxOccurrences } from './sizes.ts';

const maxRuleCost = 10_000_000;
const maxTotalCost = 100_000_000;
const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const shownContributors = 4;

/** What the rules of one schema cost together. */
export interface RuleTotal {
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
  /** Of a schema that stood before: what a single rule costs is not judged again. */
  unchanged: boolean;
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
export function validateRuleForm(of: ValidationRule, schema: JSONSchemaProps, at: FieldPath): FieldError[] {
  const { rule = '', message = '', messageExpression = '', reason, fieldPath = '' } = of;
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
  if (fieldPath !== '' && typeof resolvePath(fieldPath, schema) === 'string')
    errors.push(invalidValue(at.child('fieldPath'), fieldPath, 'must be a valid path'));
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

function validateCost(what: string, cost: number, at: FieldPath, total: RuleTotal, unchanged: boolean): FieldError[] {
  total.sum += cost;
  total.rules.push({ at, cost });
  return cost > maxRuleCost && !unchanged ? [forbiddenField(at, costText(what, cost, maxRuleCost))] : [];
}

/** Upstream has words of its own for these. */
const wrongResult = /^must evaluate to (bool|string) but got /;
const messageProblem = (problem: string): string =>
  wrongResult.test(problem) ? 'messageExpression must evaluate to a string' : `messageExpression ${problem}`;

function validateRule(rule: ValidationRule, schema: JSONSchemaProps, place: Place, at: FieldPath, total: RuleTotal): FieldError[] {
  const ruleAt = at.child('rule');
  const seen = place.root ? withObjectMeta(schema) : schema;
  const { problem, cost, usesOld } = compile(rule.rule, 'bool', seen);
  const errors = validateCost('estimated rule cost', cost * (place.count ?? maxOccurrences(schema)), ruleAt, total, place.unchanged);
  if (problem !== undefined) errors.push(invalidValue(ruleAt, ruleValue(rule), wrongResult.test(problem) ? 'cel expression must evaluate to a bool' : problem));
  else if (rule.messageExpression) {
    const messageAt = at.child('messageExpression');
    const text = compile(rule.messageExpression, 'string', seen);
    if (text.problem === undefined) errors.push(...validateCost('estimated messageExpression cost', text.cost, messageAt, total, place.unchanged));
    else errors.push(invalidValue(messageAt, ruleValue(rule), messageProblem(text.problem)));
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

/** The rules of this schema, not of those below it. */
export const compileRules = (schema: JSONSchemaProps, place: Place, total: RuleTotal): FieldError[] =>
  (schema['x-kubernetes-validations'] ?? []).flatMap((rule, index) =>
    validateRule(rule, schema, place, place.at.child('x-kubernetes-validations').index(index), total),
  );

/** What the rules of a whole schema cost; `at` is its place. */
export function validateTotal(total: RuleTotal, at: FieldPath): FieldError[] {
  if (total.sum <= maxTotalCost) return [];
  const most = total.rules.filter(({ cost }) => cost >= maxTotalCost / 100).sort((a, b) => b.cost - a.cost);
  const contributed = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';
  return [
    ...most.slice(0, shownContributors).map((one) => forbiddenField(one.at, contributed)),
    forbiddenField(at, costText('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', total.sum, maxTotalCost)),
  ];
}
