/** Expressions that are parsed and checked once and evaluated often. */
import type { ASTNode, ParseResult } from '@marcbachmann/cel-js';
import type { CelEnvironment } from './environment.ts';
import { type CelBudget, costLimit, meter } from './meter.ts';
import { rewrite } from './syntax.ts';
import { problemOf } from './wording.ts';

/** An expression that can't be compiled; the message is what clients get to see. */
export class CelCompileError extends Error {}

/** An evaluation that failed: a missing key, a wrong type, a division by zero. */
export class CelEvaluationError extends Error {}

/** An evaluation that would have gone on for too long. */
export class CelCostError extends CelEvaluationError {
  /** Not this evaluation, but those before it have used up what all may. */
  readonly budgetSpent: boolean;

  constructor(budgetSpent: boolean) {
    super(
      budgetSpent
        ? 'validation failed due to running out of cost budget, no further validation rules will be run'
        : 'operation cancelled: actual cost limit exceeded',
    );
    this.budgetSpent = budgetSpent;
  }
}

export interface CelProgram {
  readonly expression: string;
  /** What it gives as far as that is known: `dyn` when it is not. */
  readonly type: string;
  /**
   * Gives a CEL value (integers are `bigint`); a promise when a function that waits took part.
   * `budget` is charged for it.
   * @throws {CelEvaluationError} or rejects with it
   */
  evaluate(variables: Readonly<Record<string, unknown>>, budget?: CelBudget): unknown;
}

/** The library's errors carry a summary beside the message that draws a picture. */
const summaryOf = (error: unknown): string => {
  const { summary } = error as { summary?: unknown };
  return typeof summary === 'string' ? summary : error instanceof Error ? error.message : String(error);
};

/** As cel-go words the errors that users meet most. */
function runtimeText(error: unknown): string {
  const text = summaryOf(error);
  if (text.startsWith('No such key: index')) return text.replace('No such key: ', '');
  const target = /^(\w+)\(\) type error: cannot convert to \1$/.exec(text)?.[1];
  if (target !== undefined) return `type conversion error from 'string' to '${target}'`;
  return text.replace(/^No such key/, 'no such key').replace(/^Unknown variable: (.*)$/, 'no such attribute(s): $1');
}

/** What clients read of an expression that is wrong at `position`. */
export function compileErrorText(expression: string, position: number, problem: string): string {
  const before = expression.slice(0, position).split('\n');
  const line = before.length;
  const column = before.at(-1)?.length ?? 0;
  const source = expression.split('\n')[line - 1] ?? '';
  return `compilation failed: ERROR: <input>:${line}:${column + 1}: ${problem}\n | ${source}\n | ${'.'.repeat(column)}^`;
}

const startOf = (error: unknown): number => (error as { range?: { start?: number } }).range?.start ?? 0;

const matchesType = (type: string, wanted: string): boolean => type === wanted || type === 'dyn' || type.startsWith('dyn<');

function parseCel({ environment }: CelEnvironment, expression: string, wanted: readonly string[] | undefined): { parsed: ParseResult; type: string } {
  let parsed: ParseResult;
  try {
    parsed = environment.parse(rewrite(expression));
  } catch (error) {
    throw new CelCompileError(compileErrorText(expression, startOf(error), `Syntax error: ${summaryOf(error)}`), { cause: error });
  }
  const { valid, type = 'dyn', error } = parsed.check();
  if (!valid) {
    const { text, position } = problemOf(environment, expression, summaryOf(error), (error as { node?: ASTNode }).node, startOf(error));
    throw new CelCompileError(compileErrorText(expression, position, text), { cause: error });
  }
  if (!wanted || wanted.some((one) => matchesType(type, one))) return { parsed, type };
  const names = wanted.length === 1 ? wanted[0] : `one of [${wanted.join(' ').replace('null', 'null_type')}]`;
  throw new CelCompileError(`must evaluate to ${names} but got ${type}`);
}

/**
 * What a checked expression consists of, for those who want to know more about it than its type.
 * @throws {CelCompileError}
 */
export const syntaxOf = (environment: CelEnvironment, expression: string, wanted?: readonly string[]): ASTNode =>
  parseCel(environment, expression, wanted).parsed.ast;

/**
 * @param wanted types that the expression may give; absent allows every one
 * @throws {CelCompileError}
 */
export function compileCel(environment: CelEnvironment, expression: string, wanted?: readonly string[]): CelProgram {
  const { parsed, type } = parseCel(environment, expression, wanted);
  const failed = (cause: unknown): CelEvaluationError => new CelEvaluationError(runtimeText(cause), { cause });
  // By the evaluation under way. Those that wait for something overlap, and are then counted together.
  let spent = 0;
  let running = 0;
  let exceeded: CelCostError | undefined;
  meter(parsed.ast, (cost) => {
    spent += cost;
    if (spent <= costLimit) return;
    exceeded ??= new CelCostError(false);
    throw exceeded;
  });
  const charge = (budget: CelBudget | undefined): void => {
    running--;
    // Operators that survive an error on one side must not hide this one.
    if (exceeded) throw exceeded;
    if (!budget) return;
    budget.remaining -= spent;
    if (budget.remaining < 0) throw new CelCostError(true);
  };
  return {
    expression,
    type,
    evaluate(variables, budget) {
      if (running++ === 0) {
        spent = 0;
        exceeded = undefined;
      }
      let value: unknown;
      let failure: unknown;
      try {
        value = parsed(variables);
      } catch (cause) {
        failure = failed(cause);
      }
      if (value instanceof Promise)
        return value.then(
          (result: unknown) => {
            charge(budget);
            return result;
          },
          (cause: unknown) => {
            charge(budget);
            throw failed(cause);
          },
        );
      charge(budget);
      if (failure) throw failure;
      return value;
    },
  };
}
