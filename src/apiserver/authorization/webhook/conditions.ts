/** `matchConditions` of authorization webhooks: expressions over the review's spec that all must hold for the webhook to be asked. */
import type { SubjectAccessReviewSpec } from '../../../api/authorization/v1/types.gen.ts';
import { type CelEnvironment, createCelEnvironment } from '../../../apimachinery/cel/environment.ts';
import { type CelProgram, compileCel } from '../../../apimachinery/cel/program.ts';

const requestType = 'kubernetes.SubjectAccessReviewSpec';
const selectorFields = { rawSelector: 'string', requirements: 'list<kubernetes.SelectorRequirement>' };
const types: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'kubernetes.SelectorRequirement': { key: 'string', operator: 'string', values: 'list<string>' },
  'kubernetes.FieldSelectorAttributes': selectorFields,
  'kubernetes.LabelSelectorAttributes': selectorFields,
  'kubernetes.NonResourceAttributes': { path: 'string', verb: 'string' },
  'kubernetes.ResourceAttributes': {
    namespace: 'string',
    verb: 'string',
    group: 'string',
    version: 'string',
    resource: 'string',
    subresource: 'string',
    name: 'string',
    fieldSelector: 'kubernetes.FieldSelectorAttributes',
    labelSelector: 'kubernetes.LabelSelectorAttributes',
  },
  [requestType]: {
    resourceAttributes: 'kubernetes.ResourceAttributes',
    nonResourceAttributes: 'kubernetes.NonResourceAttributes',
    user: 'string',
    groups: 'list<string>',
    extra: 'map<string, list<string>>',
    uid: 'string',
  },
};

let made: { typed: CelEnvironment; free: CelEnvironment } | undefined;

/** One knows the types, and finds mistakes; values are plain maps, so that `has()` tells what is there. */
function environments(): { typed: CelEnvironment; free: CelEnvironment } {
  made ??= {
    typed: createCelEnvironment({ request: requestType }, [
      (environment) => {
        for (const [name, fields] of Object.entries(types)) environment.registerType(name, { fields: { ...fields } });
      },
    ]),
    free: createCelEnvironment({ request: 'dyn' }),
  };
  return made;
}

/** @throws {CelCompileError} */
export function compileMatchCondition(expression: string): CelProgram {
  const { typed, free } = environments();
  compileCel(typed, expression, ['bool']);
  return compileCel(free, expression);
}

/** Texts are there even when they are empty; selectors, and attributes of the other sort, are there when they are given. */
function valueOf({
  resourceAttributes: asked,
  nonResourceAttributes,
  user = '',
  groups = [],
  extra = {},
  uid = '',
}: SubjectAccessReviewSpec): Record<string, unknown> {
  const of = ({
    namespace = '',
    verb = '',
    group = '',
    version = '',
    resource = '',
    subresource = '',
    name = '',
    ...selectors
  }: NonNullable<typeof asked>) => ({
    namespace,
    verb,
    group,
    version,
    resource,
    subresource,
    name,
    ...selectors,
  });
  return {
    user,
    groups,
    extra,
    uid,
    ...(asked ? { resourceAttributes: of(asked) } : {}),
    ...(nonResourceAttributes ? { nonResourceAttributes: { path: '', verb: '', ...nonResourceAttributes } } : {}),
  };
}

/**
 * Whether all hold. One that is false outweighs errors of others.
 * @throws `Error` with the failures of those that could not be evaluated
 */
export function matchConditionsHold(programs: readonly CelProgram[], spec: SubjectAccessReviewSpec): boolean {
  const failures: string[] = [];
  const request = valueOf(spec);
  for (const program of programs) {
    try {
      const value = program.evaluate({ request });
      if (value === false) return false;
      if (value !== true) throw new Error('eval result type should be bool');
    } catch (error) {
      failures.push(`cel evaluation error: expression '${program.expression}' resulted in error: ${(error as Error).message}`);
    }
  }
  if (failures.length === 0) return true;
  throw new Error(failures.length === 1 ? failures[0] : `[${failures.join(', ')}]`);
}
