/** MutatingAdmissionPolicy: expressions that change the object (KEP-3962). */
import { mutatingadmissionpolicies } from '../../../api/admissionregistration/v1/mutatingadmissionpolicy.ts';
import { mutatingadmissionpolicybindings } from '../../../api/admissionregistration/v1/mutatingadmissionpolicybinding.ts';
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '../../../api/admissionregistration/v1/types.gen.ts';
import type { KindDefinition } from '../../../api/kind.ts';
import { CelStruct, jsonValue } from '../../../apimachinery/cel/values.ts';
import { semanticEqual } from '../../../apimachinery/equality.ts';
import { internalError, StatusError } from '../../../apimachinery/errors.ts';
import type { KubeObject } from '../../../apimachinery/meta.ts';
import { applyJsonPatch } from '../../../apimachinery/patch/json.ts';
import type { AdmissionAttributes, AdmissionPlugin, Authorizer } from '../../contracts.ts';
import { refusal } from '../attributes.ts';
import { conditionsHold, requestValues } from '../matching/conditions.ts';
import { isExempt } from '../matching/rules.ts';
import { namespaceOf } from '../matching/selectors.ts';
import { replaceObject, versionedRequest } from '../matching/versions.ts';
import { applyConfiguration } from './applyconfiguration.ts';
import { createPolicySource, type PolicyHook } from './documents.ts';
import {
  type CompiledPolicy,
  compileExpression,
  compilePolicy,
  type Expression,
  evaluateExpression,
  policyBudget,
  policyValues,
  withVariables,
} from './expressions.ts';
import { type MatchDependencies, matchResources, paramsOf } from './match.ts';

interface Mutator {
  type: string;
  expression: Expression;
}

interface CompiledMutatingPolicy extends CompiledPolicy {
  mutators: readonly Mutator[];
}

type Hook = PolicyHook<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, CompiledMutatingPolicy>;

/** One policy with one binding and one parameter. */
interface Invocation {
  key: string;
  hook: Hook;
  binding: MutatingAdmissionPolicyBinding;
  definition: KindDefinition;
  param: KubeObject | undefined;
}

export interface MutatingPolicyDependencies extends MatchDependencies {
  authorize: Authorizer;
  /** Runs the plugins before this one again: they see what policies added. */
  reinvoke(attributes: AdmissionAttributes): Promise<void>;
}

function compile(policy: MutatingAdmissionPolicy): CompiledMutatingPolicy {
  const common = compilePolicy(policy);
  const mutators = (policy.spec.mutations ?? []).map(({ patchType, applyConfiguration: configuration, jsonPatch }) => ({
    type: patchType,
    expression: compileExpression(common.environment, configuration?.expression ?? jsonPatch?.expression ?? ''),
  }));
  return { ...common, mutators };
}

function operationsOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Error('type mismatch: JSONPatchType.expression should evaluate to array');
  return value.map((one) => {
    if (!(one instanceof CelStruct) || one.type !== 'JSONPatch')
      throw new Error('type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch');
    return jsonValue(one);
  });
}

/** A `test` that fails leaves the object as it is. */
function patchObject(object: KubeObject, value: unknown): KubeObject {
  try {
    return applyJsonPatch(structuredClone(object), operationsOf(value)) as KubeObject;
  } catch (error) {
    if ((error as Error).message.includes('testing value')) return object;
    throw new Error(`JSON Patch: ${(error as Error).message}`, { cause: error });
  }
}

export function mutatingPolicies(dependencies: MutatingPolicyDependencies): AdmissionPlugin {
  const { reader, registry, authorize, reinvoke } = dependencies;
  const source = createPolicySource(reader, mutatingadmissionpolicies, mutatingadmissionpolicybindings, compile);

  type Fail = (hook: Hook, binding: MutatingAdmissionPolicyBinding | undefined, error: unknown) => void;

  async function invocationsOf(attributes: AdmissionAttributes, fail: Fail): Promise<Invocation[]> {
    const found: Invocation[] = [];
    for (const hook of source.hooks()) {
      const { policy, bindings } = hook;
      let current: MutatingAdmissionPolicyBinding | undefined;
      try {
        const definition = await matchResources(policy.spec.matchConstraints ?? {}, attributes, dependencies);
        if (!definition) continue;
        for (const binding of bindings) {
          current = binding;
          const { matchResources: criteria, paramRef } = binding.spec;
          if (criteria && !(await matchResources(criteria, attributes, dependencies))) continue;
          for (const param of await paramsOf(policy.spec.paramKind, paramRef, attributes.namespace, dependencies)) {
            const key = JSON.stringify([policy.metadata.name, binding.metadata.name, param?.metadata.namespace, param?.metadata.name]);
            found.push({ key, hook, binding, definition, param });
          }
        }
      } catch (error) {
        fail(hook, current, new Error(`failed to configure ${current ? 'binding' : 'policy'}: ${(error as Error).message}`));
      }
    }
    return found;
  }

  /** Whether the object changed. */
  async function mutate(attributes: AdmissionAttributes, { hook, definition, param }: Invocation): Promise<boolean> {
    if (!attributes.object) return false;
    const { compiled } = hook;
    const before = structuredClone(attributes.object);
    const namespace = attributes.definition.namespaced ? await namespaceOf(attributes, reader) : undefined;
    for (const [index, { type, expression }] of compiled.mutators.entries()) {
      const versioned = versionedRequest(registry, attributes, definition);
      const requested = versionedRequest(registry, attributes, attributes.definition);
      const values = policyValues(requestValues(attributes, versioned, requested, authorize), param, namespace);
      if (!versioned.object || (index === 0 && !(await conditionsHold(compiled.conditions, values)))) return false;
      const budget = policyBudget();
      const value = await evaluateExpression(expression, withVariables(values, compiled, budget), budget);
      const changed =
        type === 'ApplyConfiguration' ? applyConfiguration(registry.of(definition).struct, versioned.object, value) : patchObject(versioned.object, value);
      try {
        replaceObject(registry, attributes, definition, structuredClone(changed));
      } catch (error) {
        throw internalError(error);
      }
    }
    return !semanticEqual(before, attributes.object);
  }

  return {
    name: 'MutatingAdmissionPolicy',
    handles: (attributes) => source.hooks().length > 0 && !isExempt(attributes),
    showsObjects: true,
    async admit(attributes) {
      await source.ready;
      const failures: string[] = [];
      const fail: Fail = ({ policy }, binding, error) => {
        if (policy.spec.failurePolicy === 'Ignore') return;
        const who = binding ? `policy '${policy.metadata.name}' with binding '${binding.metadata.name}'` : `policy ${JSON.stringify(policy.metadata.name)}`;
        failures.push(`${who} denied request: ${(error as Error).message}`);
      };
      const waiting = new Set<string>();
      const again = new Set<string>();
      let anyChanged = false;
      const round = async (eligible: (key: string) => boolean): Promise<void> => {
        for (const invocation of await invocationsOf(attributes, fail)) {
          if (!eligible(invocation.key)) continue;
          try {
            if (await mutate(attributes, invocation)) {
              anyChanged = true;
              for (const key of waiting) again.add(key);
            }
          } catch (error) {
            if (error instanceof StatusError) throw error;
            fail(invocation.hook, invocation.binding, error);
          }
          if (invocation.hook.policy.spec.reinvocationPolicy === 'IfNeeded') waiting.add(invocation.key);
        }
      };
      await round(() => true);
      if (anyChanged) {
        const before = structuredClone(attributes.object);
        await reinvoke(attributes);
        if (!semanticEqual(before, attributes.object)) for (const key of waiting) again.add(key);
        if (again.size > 0) await round((key) => again.has(key));
      }
      if (failures[0] !== undefined) throw policyRefusal(attributes, failures);
    },
  };
}

/** The message is the first failure alone; all are among the causes. */
function policyRefusal(attributes: AdmissionAttributes, failures: readonly string[]): StatusError {
  const causes = failures.map((message) => ({ message }));
  const { status } = refusal(attributes, 'admission request denied by policy', causes);
  return new StatusError(403, 'Invalid', failures[0] ?? '', status.details);
}
