/** Whether the expressions of webhooks and policies can be compiled. */
import { type CelEnvironment, createCelEnvironment } from '../../../../apimachinery/cel/environment.ts';
import { CelCompileError, compileCel } from '../../../../apimachinery/cel/program.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, invalidValue, required, tooMany } from '../../../../apimachinery/fieldpath.ts';
import { validateQualifiedNameField } from '../../../../apimachinery/validation/common.ts';
import type { MatchCondition } from '../types.gen.ts';

const maxConditions = 64;
const common = { object: 'dyn', oldObject: 'dyn', request: 'dyn', namespaceObject: 'dyn' };

export interface ExpressionScope {
  params: boolean;
  /** Names of a policy's variables, or that there may be some. */
  variables: boolean;
}

const environments = new Map<string, CelEnvironment>();

function environmentOf({ params, variables }: ExpressionScope): CelEnvironment {
  const key = `${params} ${variables}`;
  let environment = environments.get(key);
  if (!environment) {
    environment = createCelEnvironment({ ...common, ...(params ? { params: 'dyn' } : {}), ...(variables ? { variables: 'dyn' } : {}) });
    environments.set(key, environment);
  }
  return environment;
}

/** What is asked of the authorizer is checked when it is asked: its functions belong to the server. */
const asksAuthorizer = (expression: string): boolean => /\bauthorizer\b/.test(expression);

/** `wanted` are the types that it may give; none allows every one. */
export function validateExpression(expression: string, wanted: readonly string[] | undefined, scope: ExpressionScope, at: FieldPath): FieldError[] {
  if (asksAuthorizer(expression)) return [];
  try {
    compileCel(environmentOf(scope), expression, wanted);
    return [];
  } catch (error) {
    if (error instanceof CelCompileError) return [invalidValue(at, expression, error.message)];
    throw error;
  }
}

export function validateMatchConditions(conditions: readonly MatchCondition[] | undefined, params: boolean, at: FieldPath): FieldError[] {
  const list = conditions ?? [];
  const errors = list.length > maxConditions ? [tooMany(at, list.length, maxConditions)] : [];
  const seen = new Set<string>();
  for (const [index, { name, expression = '' }] of list.entries()) {
    const conditionAt = at.index(index);
    const text = expression.trim();
    if (text === '') errors.push(required(conditionAt.child('expression')));
    else errors.push(...validateExpression(text, ['bool'], { params, variables: false }, conditionAt.child('expression')));
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
