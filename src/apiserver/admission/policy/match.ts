/** Which policies and bindings a request falls under, and with which parameters. */
import type { MatchResources, ParamKind, ParamRef } from '../../../api/admissionregistration/v1/types.gen.ts';
import type { KindDefinition } from '../../../api/kind.ts';
import { type KubeObject, parseApiVersion } from '../../../apimachinery/meta.ts';
import { labelSelectorMatcher } from '../../../apimachinery/selectors.ts';
import type { AdmissionAttributes, ObjectReader } from '../../contracts.ts';
import type { KindRegistry } from '../../registry.ts';
import { ruleMatches } from '../matching/rules.ts';
import { selectorsMatch, selectorsOf } from '../matching/selectors.ts';
import { versionsOf } from '../matching/versions.ts';

export interface MatchDependencies {
  reader: ObjectReader;
  registry: KindRegistry;
}

/** The version in which the request matches; undefined when it does not. Without rules, every request does. */
export async function matchResources(
  criteria: MatchResources,
  attributes: AdmissionAttributes,
  { reader, registry }: MatchDependencies,
): Promise<KindDefinition | undefined> {
  const { resourceRules = [], excludeResourceRules = [], matchPolicy = 'Equivalent' } = criteria;
  const versions = matchPolicy === 'Equivalent' ? versionsOf(registry, attributes.definition) : [attributes.definition];
  const find = (rules: typeof resourceRules): KindDefinition | undefined =>
    versions.find((definition) => rules.some((rule) => ruleMatches(rule, attributes, definition)));
  if (find(excludeResourceRules)) return undefined;
  const matched = resourceRules.length === 0 ? attributes.definition : find(resourceRules);
  return matched && (await selectorsMatch(selectorsOf(criteria), attributes, reader)) ? matched : undefined;
}

const kindText = ({ apiVersion, kind }: ParamKind): string => `&ParamKind{APIVersion:${apiVersion},Kind:${kind},}`;

/**
 * The parameters of a binding: `undefined` stands for "without", an empty list for "not to be evaluated".
 * @throws `Error` when the binding can't be followed
 */
export async function paramsOf(
  paramKind: ParamKind | undefined,
  paramRef: ParamRef | undefined,
  namespace: string,
  { reader, registry }: MatchDependencies,
): Promise<(KubeObject | undefined)[]> {
  if (!paramKind || !paramRef) return [undefined];
  const { group, version } = parseApiVersion(paramKind.apiVersion ?? '');
  const definition = registry.findKind(group, version, paramKind.kind ?? '')?.definition;
  if (!definition) throw new Error(`paramKind kind \`${kindText(paramKind)}\` not known`);
  if (paramRef.namespace && !definition.namespaced) throw new Error('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  const from = definition.namespaced ? paramRef.namespace || namespace : '';
  if (definition.namespaced && from === '') throw new Error('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources');
  const found = await readParams(definition, from, paramRef, reader);
  if (found.length === 0 && paramRef.parameterNotFoundAction === 'Deny')
    throw new Error('no params found for policy binding with `Deny` parameterNotFoundAction');
  return found;
}

async function readParams(definition: KindDefinition, namespace: string, { name, selector }: ParamRef, reader: ObjectReader): Promise<KubeObject[]> {
  if (name) {
    if (selector) throw new Error('paramRef.name and paramRef.selector are mutually exclusive');
    const one: KubeObject | undefined = await reader.get(definition, namespace, name);
    return one ? [one] : [];
  }
  if (!selector) throw new Error('one of name or selector must be provided');
  const matcher = labelSelectorMatcher(selector);
  const all: readonly KubeObject[] = await reader.list(definition, namespace);
  return all.filter(({ metadata }) => matcher.matches(metadata.labels ?? {}));
}
