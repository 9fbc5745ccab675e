/** Holds pods to the level of security that their namespace asks for by labels. */
import { namespaces } from '../../../api/core/v1/namespace.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import type { Namespace, Pod } from '../../../api/core/v1/types.gen.ts';
import { deepEqual } from '../../../apimachinery/equality.ts';
import { internalError, invalid } from '../../../apimachinery/errors.ts';
import type { AdmissionAttributes, AdmissionPlugin, ObjectReader } from '../../contracts.ts';
import { aggregateMessages } from '../aggregate.ts';
import { isAbout, objectOf, oldObjectOf, refusal } from '../attributes.ts';
import type { PodLike, Violation } from './check.ts';
import { detailsOf, violationsOf } from './evaluate.ts';
import { warningsAbout } from './existing.ts';
import { makesPods, podLike, templateOf } from './podspec.ts';
import { compareLevels, describeLevel, isPrivileged, type LevelVersion, policyOf, sameLevel } from './policy.ts';

const auditPrefix = 'pod-security.kubernetes.io/';
/** Of a pod's; through all others its spec may change. */
const harmlessSubresources: ReadonlySet<string> = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status']);

const isPod = ({ definition, subresource }: AdmissionAttributes): boolean =>
  definition.plural === pods.plural && definition.group === pods.group && !harmlessSubresources.has(subresource);

/** Only what runs can change the verdict, and of that an update can change images alone. */
function runsSomethingNew({ spec }: Pod, { spec: old }: Pod): boolean {
  const differ = (a: readonly { image?: string }[] = [], b: readonly { image?: string }[] = []): boolean =>
    a.length !== b.length || a.some(({ image }, index) => image !== b[index]?.image);
  if (differ(spec.containers, old.containers) || differ(spec.initContainers, old.initContainers)) return true;
  return (spec.ephemeralContainers ?? []).some(({ name, image }) => !old.ephemeralContainers?.some((one) => one.name === name && one.image === image));
}

export function podSecurity(reader: ObjectReader): AdmissionPlugin {
  async function validateNamespace(attributes: AdmissionAttributes): Promise<void> {
    const namespace = objectOf<Namespace>(attributes);
    const { policy, errors } = policyOf(namespace.metadata.labels);
    const old = attributes.operation === 'UPDATE' ? policyOf(oldObjectOf<Namespace>(attributes).metadata.labels) : undefined;
    const texts = (list: typeof errors): string[] => list.map((error) => error.message());
    if (errors.length > 0 && !(old && deepEqual(texts(errors), texts(old.errors)))) throw invalid(namespaces, namespace.metadata.name, errors);
    if (!old || policy.enforce.level === 'privileged') return;
    const { enforce } = policy;
    if (sameLevel(enforce, old.policy.enforce)) return;
    if (enforce.version === old.policy.enforce.version && compareLevels(enforce.level, old.policy.enforce.level) < 1) return;
    const { name } = namespace.metadata;
    for (const warning of warningsAbout(await reader.list<Pod>(pods, name), name, enforce)) attributes.warn(warning);
  }

  /** @param enforced false for templates: what makes pods is only warned of, the pods are refused */
  async function evaluate(attributes: AdmissionAttributes, pod: PodLike | undefined, enforced: boolean): Promise<void> {
    const namespace = await reader.get<Namespace>(namespaces, '', attributes.namespace);
    if (!namespace) {
      if (enforced) throw internalError(new Error(`failed to lookup namespace ${JSON.stringify(attributes.namespace)}`));
      return;
    }
    const { policy, errors } = policyOf(namespace.metadata.labels);
    const annotate = (key: string, value: string): void => attributes.annotate(auditPrefix + key, value);
    if (errors.length === 0 && isPrivileged(policy)) {
      if (enforced) annotate('enforce-policy', describeLevel(policy.enforce));
      return;
    }
    if (!pod) return;
    const verdicts = new Map<string, Violation[]>();
    const verdict = (level: LevelVersion): Violation[] => {
      const known = verdicts.get(describeLevel(level)) ?? violationsOf(level, pod);
      verdicts.set(describeLevel(level), known);
      return known;
    };
    const sentence = (level: LevelVersion): string => `PodSecurity ${JSON.stringify(describeLevel(level))}: ${detailsOf(verdict(level))}`;
    if (errors.length > 0) annotate('error', `Failed to parse policy: ${aggregateMessages(errors.map((error) => error.message()))}`);
    if (enforced) annotate('enforce-policy', describeLevel(policy.enforce));
    if (verdict(policy.audit).length > 0) annotate('audit-violations', `would violate ${sentence(policy.audit)}`);
    if (enforced && verdict(policy.enforce).length > 0) throw refusal(attributes, `violates ${sentence(policy.enforce)}`);
    if (verdict(policy.warn).length > 0) attributes.warn(`would violate ${sentence(policy.warn)}`);
  }

  return {
    name: 'PodSecurity',
    handles: (attributes) =>
      (attributes.operation === 'CREATE' || attributes.operation === 'UPDATE') &&
      (isPod(attributes) || isAbout(attributes, namespaces) || (attributes.subresource === '' && makesPods(attributes.definition))),
    async validate(attributes) {
      if (isAbout(attributes, namespaces)) return validateNamespace(attributes);
      if (!isPod(attributes)) return evaluate(attributes, templateOf(attributes.definition, objectOf(attributes)), false);
      const pod = objectOf<Pod>(attributes);
      if (attributes.operation === 'UPDATE' && !runsSomethingNew(pod, oldObjectOf<Pod>(attributes))) return;
      await evaluate(attributes, podLike(pod), true);
    },
  };
}
