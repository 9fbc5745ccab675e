/** What the validations and audit annotations of one policy say of a request. */
import type { ValidatingAdmissionPolicy, Validation } from '../../../api/admissionregistration/v1/types.gen.ts';
import type { CelBudget } from '../../../apimachinery/cel/meter.ts';
import { conditionsHold } from '../matching/conditions.ts';
import {
  type CompiledPolicy,
  compileExpression,
  compilePolicy,
  type Expression,
  evaluateExpression,
  isBudgetSpent,
  policyBudget,
  withVariables,
} from './expressions.ts';

interface CompiledValidation {
  validation: Validation;
  expression: Expression;
  message?: Expression;
}

export interface CompiledValidatingPolicy extends CompiledPolicy {
  validations: readonly CompiledValidation[];
  annotations: readonly { key: string; text: string; expression: Expression }[];
}

export function compileValidatingPolicy(policy: ValidatingAdmissionPolicy): CompiledValidatingPolicy {
  const common = compilePolicy(policy);
  const { environment, messageEnvironment } = common;
  return {
    ...common,
    validations: (policy.spec.validations ?? []).map((validation) => ({
      validation,
      expression: compileExpression(environment, validation.expression, ['bool']),
      ...(validation.messageExpression ? { message: compileExpression(messageEnvironment, validation.messageExpression, ['string']) } : {}),
    })),
    annotations: (policy.spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      text: valueExpression,
      expression: compileExpression(messageEnvironment, valueExpression, ['string', 'null']),
    })),
  };
}

export interface Violation {
  index: number;
  message: string;
  /** Absent when an expression could not be evaluated. */
  reason?: string;
}

export interface ValidationOutcome {
  violations: Violation[];
  annotations: { key: string; value: string }[];
  /** What could not be annotated denies the request, whatever the binding's actions are. */
  annotationErrors: string[];
}

const maxMessage = 5 * 1024;

async function messageOf({ validation, message }: CompiledValidation, values: Readonly<Record<string, unknown>>, budget: CelBudget): Promise<string> {
  if (message) {
    const value = await evaluateExpression(message, values, budget).catch((error: unknown) => {
      if (isBudgetSpent(error)) throw error;
      return undefined;
    });
    const text = typeof value === 'string' ? value.trim() : '';
    if (text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= maxMessage) return text;
  }
  return validation.message?.trim() || `failed expression: ${validation.expression.trim()}`;
}

async function annotate(
  { annotations }: CompiledValidatingPolicy,
  values: Readonly<Record<string, unknown>>,
  ignoreErrors: boolean,
  outcome: ValidationOutcome,
): Promise<void> {
  const budget = policyBudget();
  for (const { key, text, expression } of annotations) {
    try {
      const value = await evaluateExpression(expression, values, budget);
      if (typeof value === 'string' && value.trim() !== '') outcome.annotations.push({ key, value: value.trim() });
      else if (typeof value !== 'string' && value !== null)
        throw new Error(`valueExpression '${text}' resulted in unsupported return type: ${typeof value}. Return type must be either string or null.`);
    } catch (error) {
      if (!ignoreErrors) outcome.annotationErrors.push((error as Error).message);
    }
  }
}

/** @param values all but `variables` */
export async function validatePolicy(
  policy: ValidatingAdmissionPolicy,
  compiled: CompiledValidatingPolicy,
  values: Readonly<Record<string, unknown>>,
  budget: CelBudget = policyBudget(),
): Promise<ValidationOutcome> {
  const outcome: ValidationOutcome = { violations: [], annotations: [], annotationErrors: [] };
  const ignoreErrors = policy.spec.failurePolicy === 'Ignore';
  try {
    if (!(await conditionsHold(compiled.conditions, values))) return outcome;
  } catch (error) {
    if (!ignoreErrors) outcome.violations.push({ index: 0, message: (error as Error).message });
    return outcome;
  }
  const all = withVariables(values, compiled, budget);
  for (const [index, one] of compiled.validations.entries()) {
    try {
      if ((await evaluateExpression(one.expression, all, budget)) === true) continue;
      outcome.violations.push({ index, message: await messageOf(one, all, budget), reason: one.validation.reason ?? 'Invalid' });
    } catch (error) {
      const violations = ignoreErrors ? [] : [{ index, message: (error as Error).message }];
      // Whatever else was found counts no more.
      if (isBudgetSpent(error)) return { ...outcome, violations };
      outcome.violations.push(...violations);
    }
  }
  await annotate(compiled, all, ignoreErrors, outcome);
  return outcome;
}
