/** Whether the expressions of webhooks and policies can be compiled. */
import type { CelEnvironment } from '../../../../apimachinery/cel/environment.ts';
import { CelCompileError, compileErrorText, syntaxOf } from '../../../../apimachinery/cel/program.ts';
import { type Fields, unknownField } from '../../../../apimachinery/cel/wording.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, invalidValue, required, tooMany } from '../../../../apimachinery/fieldpath.ts';
import { validateQualifiedNameField } from '../../../../apimachinery/validation/common.ts';
import { conditionEnvironment } from '../../expressions.ts';
import type { MatchCondition } from '../types.gen.ts';

const maxConditions = 64;

const kind = { group: true, version: true, kind: true } as const;
const resource = { group: true, version: true, resource: true } as const;

/** What is known of the request; the objects in it are of any form. */
const variables: Fields = {
  request: {
    kind,
    resource,
    subResource: true,
    requestKind: kind,
    requestResource: resource,
    requestSubResource: true,
    name: true,
    namespace: true,
    operation: true,
    userInfo: { username: true, uid: true, groups: true, extra: true },
    dryRun: true,
    options: true,
  },
};

/** `wanted` are the types that it may give; none allows every one. */
export function validateExpression(expression: string, wanted: readonly string[] | undefined, environment: CelEnvironment, at: FieldPath): FieldError[] {
  try {
    const unknown = unknownField(syntaxOf(environment, expression, wanted), variables);
    return unknown ? [invalidValue(at, expression, compileErrorText(expression, unknown.position, `undefined field '${unknown.name}'`))] : [];
  } catch (error) {
    if (error instanceof CelCompileError) return [invalidValue(at, expression, error.message)];
    throw error;
  }
}

/** `expression` with the characters of its strings blanked. */
const withoutStrings = (expression: string): string => expression.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, (text) => ' '.repeat(text.length));

/** An expression that names `variables` which are not among those `known` (the ones above it) can never be evaluated. */
export function validateVariablesNamed(expression: string, known: ReadonlySet<string> | undefined, at: FieldPath): FieldError[] {
  for (const { 1: name, index, 0: text } of withoutStrings(expression).matchAll(/(?<![\w.])variables\s*\.\s*(\w+)/g)) {
    if (name === undefined || known?.has(name)) continue;
    if (!known) return [invalidValue(at, expression, compileErrorText(expression, index, "undeclared reference to 'variables' (in container '')"))];
    return [invalidValue(at, expression, compileErrorText(expression, index + text.indexOf('.'), `undefined field '${name}'`))];
  }
  return [];
}

export function validateMatchConditions(conditions: readonly MatchCondition[] | undefined, params: boolean, at: FieldPath): FieldError[] {
  const list = conditions ?? [];
  const errors = list.length > maxConditions ? [tooMany(at, list.length, maxConditions)] : [];
  const seen = new Set<string>();
  for (const [index, { name, expression = '' }] of list.entries()) {
    const conditionAt = at.index(index);
    const text = expression.trim();
    if (text === '') errors.push(required(conditionAt.child('expression')));
    else errors.push(...validateExpression(text, ['bool'], conditionEnvironment(params), conditionAt.child('expression')));
    if (!name) {
      errors.push(required(conditionAt.child('name')));
      continue;
    }
    errors.push(...validateQualifiedNameField(name, conditionAt.child('name')));
    if (seen.has(name)) errors.push(duplicate(conditionAt.child('name'), name));
    seen.add(name);
  }
  return errors;
}
