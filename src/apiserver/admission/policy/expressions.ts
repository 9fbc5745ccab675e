/** Compiling and evaluating the expressions of a policy. */

import { conditionEnvironment, policyEnvironment, policyMessageEnvironment } from '../../../api/admissionregistration/expressions.ts';
import type { Namespace } from '../../../api/core/v1/types.gen.ts';
import type { CelEnvironment } from '../../../apimachinery/cel/environment.ts';
import type { CelBudget } from '../../../apimachinery/cel/meter.ts';
import { CelCostError, type CelProgram, compileCel } from '../../../apimachinery/cel/program.ts';
import { celValue } from '../../../apimachinery/cel/values.ts';
import type { KubeObject } from '../../../apimachinery/meta.ts';
import { type CompiledCondition, compileConditions } from '../matching/conditions.ts';
import type { Policy } from './documents.ts';

/** An expression, or why it is none: that counts when it is evaluated, as upstream's configuration errors do. */
export type Expression = { program: CelProgram } | { error: Error };

export function compileExpression(environment: CelEnvironment, expression: string, types?: readonly string[]): Expression {
  try {
    return { program: compileCel(environment, expression, types) };
  } catch (error) {
    return { error: error as Error };
  }
}

/** What all expressions of a policy may cost together, for one request. */
export const policyBudget = (): CelBudget => ({ remaining: 10_000_000 });

export const isBudgetSpent = (error: unknown): boolean => error instanceof CelCostError && error.budgetSpent;

/** @throws `Error` with the expression and what went wrong, or that the budget is spent */
export async function evaluateExpression(expression: Expression, values: Readonly<Record<string, unknown>>, budget: CelBudget): Promise<unknown> {
  if ('error' in expression) throw expression.error;
  try {
    return await expression.program.evaluate(values, budget);
  } catch (error) {
    if (isBudgetSpent(error)) throw error;
    throw new Error(`expression '${expression.program.expression}' resulted in error: ${(error as Error).message}`, { cause: error });
  }
}

export interface CompiledPolicy {
  conditions: readonly CompiledCondition[];
  variables: readonly { name: string; expression: Expression }[];
  environment: CelEnvironment;
  messageEnvironment: CelEnvironment;
}

export function compilePolicy({ spec }: Policy): CompiledPolicy {
  const params = spec.paramKind !== undefined;
  const environment = policyEnvironment(params);
  return {
    conditions: compileConditions(spec.matchConditions ?? [], conditionEnvironment(params)),
    variables: (spec.variables ?? []).map(({ name, expression }) => ({ name, expression: compileExpression(environment, expression) })),
    environment,
    messageEnvironment: policyMessageEnvironment(params),
  };
}

/** What policies see of the namespace. */
function namespaceValue({ metadata, spec, status }: Namespace): unknown {
  const { managedFields, ownerReferences, ...shown } = metadata;
  return celValue({ metadata: shown, spec: spec ?? {}, status: status ?? {} });
}

/** `params` and `namespaceObject` beside the variables of the request. */
export const policyValues = (
  request: Readonly<Record<string, unknown>>,
  param: KubeObject | undefined,
  namespace: Namespace | undefined,
): Record<string, unknown> => ({
  ...request,
  params: param ? celValue(param) : null,
  namespaceObject: namespace ? namespaceValue(namespace) : null,
});

/** Adds `variables`: each is evaluated when it is first named, and may name those before it. */
export function withVariables(values: Readonly<Record<string, unknown>>, { variables }: CompiledPolicy, budget: CelBudget): Record<string, unknown> {
  const holder: Record<string, unknown> = {};
  const all = { ...values, variables: holder };
  for (const { name, expression } of variables) {
    Object.defineProperty(holder, name, {
      enumerable: true,
      configurable: true,
      get() {
        const value = evaluateVariable(name, expression, all, budget);
        Object.defineProperty(holder, name, { enumerable: true, value });
        return value;
      },
    });
  }
  return all;
}

function evaluateVariable(name: string, expression: Expression, values: Readonly<Record<string, unknown>>, budget: CelBudget): unknown {
  try {
    if ('error' in expression) throw expression.error;
    const value = expression.program.evaluate(values, budget);
    if (value instanceof Promise) throw new Error('the authorizer is not ready');
    return value;
  } catch (error) {
    throw new Error(`composited variable ${JSON.stringify(name)} fails to evaluate: ${(error as Error).message}`, { cause: error });
  }
}
