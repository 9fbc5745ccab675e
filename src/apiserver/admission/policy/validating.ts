/** ValidatingAdmissionPolicy: expressions that say yes or no (KEP-3488). */

import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '../../../api/admissionregistration/v1/types.gen.ts';
import { validatingadmissionpolicies } from '../../../api/admissionregistration/v1/validatingadmissionpolicy.ts';
import { validatingadmissionpolicybindings } from '../../../api/admissionregistration/v1/validatingadmissionpolicybinding.ts';
import { StatusError } from '../../../apimachinery/errors.ts';
import type { KubeObject } from '../../../apimachinery/meta.ts';
import type { AdmissionAttributes, AdmissionPlugin, Authorizer } from '../../contracts.ts';
import { refusal } from '../attributes.ts';
import { requestValues } from '../matching/conditions.ts';
import { isExempt } from '../matching/rules.ts';
import { namespaceOf } from '../matching/selectors.ts';
import { versionedRequest } from '../matching/versions.ts';
import { createPolicySource, type PolicyHook } from './documents.ts';
import { policyValues } from './expressions.ts';
import { type MatchDependencies, matchResources, paramsOf } from './match.ts';
import { type CompiledValidatingPolicy, compileValidatingPolicy, type Violation, validatePolicy } from './validations.ts';

type Hook = PolicyHook<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, CompiledValidatingPolicy>;

interface Denial {
  policy: string;
  binding?: string;
  message: string;
  reason?: string;
}

const codes: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413 };
const maxAnnotation = 10 * 1024;

/** The answer to the client: of several denials the first, as a refusal with the reason that the policy gives. */
function denialError(attributes: AdmissionAttributes, { policy, binding, message, reason = 'Invalid' }: Denial): StatusError {
  const text = `ValidatingAdmissionPolicy '${policy}'${binding === undefined ? '' : ` with binding '${binding}'`} denied request: ${message}`;
  const { status } = refusal(attributes, text, [{ message: text }]);
  return new StatusError(codes[reason] ?? 422, reason, status.message ?? text, status.details);
}

/** Adds up audit annotations: several bindings of a policy may give one key different values. */
function collector(): { add(key: string, value: string): void; publish(policy: string, attributes: AdmissionAttributes): void } {
  const values = new Map<string, Set<string>>();
  return {
    add(key, value) {
      values.set(key, (values.get(key) ?? new Set()).add(value.slice(0, maxAnnotation)));
    },
    publish(policy, attributes) {
      for (const [key, all] of values) attributes.annotate(`${policy}/${key}`, [...all].join(', '));
    },
  };
}

export function validatingPolicies(dependencies: MatchDependencies & { authorize: Authorizer }): AdmissionPlugin {
  const { reader, registry, authorize } = dependencies;
  const source = createPolicySource(reader, validatingadmissionpolicies, validatingadmissionpolicybindings, compileValidatingPolicy);

  function act(
    attributes: AdmissionAttributes,
    policy: string,
    { metadata, spec }: ValidatingAdmissionPolicyBinding,
    violation: Violation,
    denials: Denial[],
  ): void {
    const { message, reason, index } = violation;
    for (const action of spec.validationActions ?? []) {
      if (action === 'Deny') denials.push({ policy, binding: metadata.name, message, ...(reason ? { reason } : {}) });
      if (action === 'Warn') attributes.warn(`Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${metadata.name}': ${message}`);
      if (action === 'Audit') {
        const failure = { message, policy, binding: metadata.name, expressionIndex: index, validationActions: spec.validationActions };
        attributes.annotate('validation.policy.admission.k8s.io/validation_failure', JSON.stringify([failure]));
      }
    }
  }

  /** Everything that one policy has against the request. */
  async function evaluate(attributes: AdmissionAttributes, { policy, compiled, bindings }: Hook, denials: Denial[]): Promise<void> {
    const { name } = policy.metadata;
    const misconfigured = (error: unknown, binding?: string): void => {
      if (policy.spec.failurePolicy === 'Ignore') return;
      const message = `failed to configure ${binding === undefined ? 'policy' : 'binding'}: ${(error as Error).message}`;
      denials.push({ policy: name, message, ...(binding === undefined ? {} : { binding }) });
    };
    const attempt = async <T>(work: () => Promise<T>, binding?: string): Promise<T | undefined> => {
      try {
        return await work();
      } catch (error) {
        misconfigured(error, binding);
        return undefined;
      }
    };
    const definition = await attempt(() => matchResources(policy.spec.matchConstraints ?? {}, attributes, dependencies));
    if (!definition) return;
    const annotations = collector();
    let values: Record<string, unknown> | undefined;
    const namespace = attributes.definition.namespaced ? await namespaceOf(attributes, reader) : undefined;
    for (const binding of bindings) {
      const bound = binding.metadata.name;
      const { matchResources: criteria, paramRef } = binding.spec;
      if (criteria && !(await attempt(() => matchResources(criteria, attributes, dependencies), bound))) continue;
      const params =
        (await attempt<(KubeObject | undefined)[]>(() => paramsOf(policy.spec.paramKind, paramRef, attributes.namespace, dependencies), bound)) ?? [];
      for (const param of params) {
        const requested = versionedRequest(registry, attributes, attributes.definition);
        values ??= requestValues(attributes, versionedRequest(registry, attributes, definition), requested, authorize);
        const outcome = await validatePolicy(policy, compiled, policyValues(values, param, namespace));
        for (const violation of outcome.violations) act(attributes, name, binding, violation, denials);
        for (const { key, value } of outcome.annotations) annotations.add(key, value);
        for (const message of outcome.annotationErrors) denials.push({ policy: name, binding: bound, message });
      }
    }
    annotations.publish(name, attributes);
  }

  return {
    name: 'ValidatingAdmissionPolicy',
    handles: (attributes) => source.hooks().length > 0 && !isExempt(attributes),
    showsObjects: true,
    async validate(attributes) {
      await source.ready;
      const denials: Denial[] = [];
      for (const hook of source.hooks()) await evaluate(attributes, hook, denials);
      if (denials[0]) throw denialError(attributes, denials[0]);
    },
  };
}
