/** Checks the expressions of a policy against the types of the objects that it is about; what is found is a warning, never a rejection. */

import type { ValidatingAdmissionPolicy } from '../../api/admissionregistration/v1/types.gen.ts';
import { builtinKinds } from '../../api/index.ts';
import type { KindDefinition } from '../../api/kind.ts';
import { structOf } from '../../api/schema.ts';
import { type CelEnvironment, createCelEnvironment } from '../../apimachinery/cel/environment.ts';
import { CelCompileError, compileCel, compileErrorText } from '../../apimachinery/cel/program.ts';
import { apiVersionOf } from '../../apimachinery/meta.ts';
import { typeNameOf, typesOf } from './types.ts';

export interface ExpressionWarning {
  fieldRef: string;
  warning: string;
}

/** More types than that are not looked at. */
const maxTypes = 10;
const environments = new Map<string, CelEnvironment>();

function environmentFor(kind: KindDefinition): CelEnvironment {
  let environment = environments.get(kind.schema);
  if (!environment) {
    const struct = structOf(kind.schema);
    const object = typeNameOf(struct);
    environment = createCelEnvironment(
      { object, oldObject: object, params: 'dyn', request: 'dyn', namespaceObject: 'dyn', variables: 'dyn', authorizer: 'dyn' },
      [typesOf(struct)],
    );
    environments.set(kind.schema, environment);
  }
  return environment;
}

/** Kinds that a rule names outright; wildcards and subresources are not resolved. */
function kindsOf(policy: ValidatingAdmissionPolicy): KindDefinition[] {
  const isNamed = (list: readonly string[] | undefined): boolean => !!list?.length && !list.includes('*');
  const rules = (policy.spec.matchConstraints?.resourceRules ?? []).filter((rule) => isNamed(rule.apiGroups) && isNamed(rule.apiVersions));
  const kinds = builtinKinds.filter(({ group, version, plural }) =>
    rules.some((rule) => rule.apiGroups!.includes(group) && rule.apiVersions!.includes(version) && rule.resources?.includes(plural)),
  );
  return kinds.slice(0, maxTypes);
}

/** In the words of the reference implementation, which clients search for. */
function reworded(problem: string): string {
  const field = /^No such key: (.*)$/.exec(problem);
  if (field) return `undefined field '${field[1]}'`;
  const overload = /^no such overload: (\S+) (\S+) (\S+)$/.exec(problem);
  return overload ? `found no matching overload for '_${overload[2]}_' applied to '(${overload[1]}, ${overload[3]})'` : problem;
}

function problemOf(kind: KindDefinition, expression: string): string | undefined {
  try {
    compileCel(environmentFor(kind), expression);
    return undefined;
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    const cause = error.cause as { summary?: string; range?: { start?: number } } | undefined;
    if (!cause?.summary) return error.message;
    const problem = reworded(cause.summary);
    // The position of a field is that of the dot before it.
    const start = (cause.range?.start ?? 0) - (problem.startsWith('undefined field') ? 1 : 0);
    return compileErrorText(expression, Math.max(start, 0), problem);
  }
}

function check(kinds: readonly KindDefinition[], expression: string): string {
  return kinds
    .flatMap((kind) => {
      const problem = problemOf(kind, expression);
      return problem === undefined ? [] : [`${apiVersionOf(kind.group, kind.version)}, Kind=${kind.kind}: ${problem}\n`];
    })
    .join('\n');
}

export function checkPolicy(policy: ValidatingAdmissionPolicy): ExpressionWarning[] {
  const kinds = kindsOf(policy);
  if (kinds.length === 0) return [];
  return (policy.spec.validations ?? []).flatMap(({ expression, messageExpression }, index) => {
    const at = `spec.validations[${index}]`;
    const warnings = [{ fieldRef: `${at}.expression`, warning: check(kinds, expression) }];
    if (messageExpression) warnings.push({ fieldRef: `${at}.messageExpression`, warning: check(kinds, messageExpression) });
    return warnings.filter(({ warning }) => warning !== '');
  });
}
