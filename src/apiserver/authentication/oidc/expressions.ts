/** Expressions over a token's claims, and over the user that they make. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { type CelEnvironment, createCelEnvironment } from '../../../apimachinery/cel/environment.ts';
import { CelCompileError, type CelProgram, compileCel, syntaxOf } from '../../../apimachinery/cel/program.ts';

const userType = 'kubernetes.UserInfo';

let made: { claims: CelEnvironment; user: CelEnvironment; freeUser: CelEnvironment } | undefined;

function environments(): { claims: CelEnvironment; user: CelEnvironment; freeUser: CelEnvironment } {
  made ??= {
    claims: createCelEnvironment({ claims: 'map<string, dyn>' }),
    user: createCelEnvironment({ user: userType }, [
      (environment) =>
        environment.registerType(userType, {
          fields: { username: 'string', uid: 'string', groups: 'list<string>', extra: 'map<string, list<string>>' },
        }),
    ]),
    freeUser: createCelEnvironment({ user: 'dyn' }),
  };
  return made;
}

function asCondition(program: CelProgram): CelProgram {
  if (program.type !== 'bool') throw new CelCompileError('must evaluate to bool');
  return program;
}

/** @throws {CelCompileError} */
export const compileClaimMapping = (expression: string): CelProgram => compileCel(environments().claims, expression);
/** @throws {CelCompileError} */
export const compileClaimRule = (expression: string): CelProgram => asCondition(compileClaimMapping(expression));

/** @throws {CelCompileError} */
export function compileUserRule(expression: string): CelProgram {
  const { user, freeUser } = environments();
  asCondition(compileCel(user, expression));
  return compileCel(freeUser, expression);
}

const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value && 'args' in value;

function selects(value: unknown, name: string): boolean {
  if (Array.isArray(value)) return value.some((one) => selects(one, name));
  if (!isNode(value)) return false;
  const { op, args } = value as { op: string; args: unknown };
  if ((op === '.' || op === '.?') && Array.isArray(args)) {
    const [target, field] = args;
    if (field === name && isNode(target) && (target as { op: string }).op === 'id' && (target as { args: unknown }).args === 'claims') return true;
  }
  return selects(args, name);
}

/** Whether it looks at `claims.<name>`. */
export const usesClaim = (expression: string, name: string): boolean => selects(syntaxOf(environments().claims, expression), name);
