/** `matchConditions`: expressions that all must hold for a webhook or policy to be asked. */
import { conditionEnvironment } from '../../../api/admissionregistration/expressions.ts';
import type { CelEnvironment } from '../../../apimachinery/cel/environment.ts';
import { CelCostError, type CelProgram, compileCel } from '../../../apimachinery/cel/program.ts';
import { celValue } from '../../../apimachinery/cel/values.ts';
import type { AdmissionAttributes, Authorizer } from '../../contracts.ts';
import { authorizerValue } from './authorizer.ts';
import { admissionRequest } from './request.ts';
import type { VersionedRequest } from './versions.ts';

export interface Condition {
  name: string;
  expression: string;
}

/** The values of `object`, `oldObject`, `request` and `authorizer` for one request. A policy puts its namespace in. */
export function requestValues(
  attributes: AdmissionAttributes,
  versioned: VersionedRequest,
  requested: VersionedRequest,
  authorize: Authorizer,
): Record<string, unknown> {
  return {
    object: versioned.object ? celValue(versioned.object) : null,
    oldObject: versioned.oldObject ? celValue(versioned.oldObject) : null,
    request: celValue(admissionRequest(attributes, versioned, requested)),
    namespaceObject: null,
    authorizer: authorizerValue(attributes, authorize),
  };
}

export type CompiledCondition = { name: string } & ({ program: CelProgram } | { error: Error });

/** One that can't be compiled (written by an older or a lenient server) fails when it is evaluated. */
export const compileConditions = (conditions: readonly Condition[], within: CelEnvironment = conditionEnvironment(false)): CompiledCondition[] =>
  conditions.map(({ name, expression }) => {
    try {
      return { name, program: compileCel(within, expression, ['bool']) };
    } catch (error) {
      return { name, error: error as Error };
    }
  });

/** What all of them may cost together. */
const conditionsBudget = 2_500_000;

/**
 * Whether all hold. One that is false outweighs errors of others.
 * @throws `Error` with the failures of those that could not be evaluated
 */
export async function conditionsHold(conditions: readonly CompiledCondition[], values: Readonly<Record<string, unknown>>): Promise<boolean> {
  const failures: string[] = [];
  const budget = { remaining: conditionsBudget };
  for (const condition of conditions) {
    try {
      if ('error' in condition) throw condition.error;
      const value = await condition.program.evaluate(values, budget);
      if (value === false) return false;
      if (value !== true) throw new Error('match condition must evaluate to bool');
    } catch (error) {
      if (error instanceof CelCostError && error.budgetSpent) throw error;
      const { message } = error as Error;
      failures.push('program' in condition ? `expression '${condition.program.expression}' resulted in error: ${message}` : message);
    }
  }
  if (failures.length === 0) return true;
  throw new Error(failures.length === 1 ? failures[0] : `[${failures.join(', ')}]`);
}
