/** What validating and mutating policies have in common. */
import type { MatchCondition, MatchResources, ParamKind, ParamRef, Variable } from '../../../api/admissionregistration/v1/types.gen.ts';
import type { KindDefinition } from '../../../api/kind.ts';
import type { KubeObject } from '../../../apimachinery/meta.ts';
import { mirror } from '../../authorization/mirror.ts';
import type { ObjectReader } from '../../contracts.ts';

export interface Policy extends KubeObject {
  spec: {
    failurePolicy?: string;
    matchConditions?: MatchCondition[];
    matchConstraints?: MatchResources;
    paramKind?: ParamKind;
    variables?: Variable[];
  };
}

export interface Binding extends KubeObject {
  spec: { policyName?: string; matchResources?: MatchResources; paramRef?: ParamRef };
}

export interface PolicyHook<P extends Policy, B extends Binding, C> {
  policy: P;
  /** Made of the policy once. */
  compiled: C;
  bindings: readonly B[];
}

export interface PolicySource<P extends Policy, B extends Binding, C> {
  /** Policies that are bound, by name. */
  hooks(): readonly PolicyHook<P, B, C>[];
  ready: Promise<void>;
}

const byName = (a: KubeObject, b: KubeObject): number => (a.metadata.name < b.metadata.name ? -1 : 1);

export function createPolicySource<P extends Policy, B extends Binding, C>(
  reader: ObjectReader,
  policyKind: KindDefinition<P>,
  bindingKind: KindDefinition<B>,
  compile: (policy: P) => C,
): PolicySource<P, B, C> {
  const policies = new Map<string, P>();
  const bindings = new Map<string, B>();
  const compiled = new WeakMap<P, C>();
  let current: readonly PolicyHook<P, B, C>[] | undefined;
  const keep = <T extends KubeObject>(known: Map<string, T>) => ({
    put(object: T) {
      known.set(object.metadata.name, object);
      current = undefined;
    },
    delete(object: T) {
      known.delete(object.metadata.name);
      current = undefined;
    },
  });

  function hookOf(policy: P): PolicyHook<P, B, C>[] {
    const own = [...bindings.values()].filter(({ spec }) => spec.policyName === policy.metadata.name).sort(byName);
    if (own.length === 0) return [];
    const result = compiled.get(policy) ?? compile(policy);
    compiled.set(policy, result);
    return [{ policy, compiled: result, bindings: own }];
  }

  const ready = Promise.all([mirror(reader, policyKind, keep(policies)), mirror(reader, bindingKind, keep(bindings))]).then(() => undefined);
  return {
    hooks() {
      current ??= [...policies.values()].sort(byName).flatMap(hookOf);
      return current;
    },
    ready,
  };
}
