/** Whether the labels of the object and of its namespace are selected. */
import { namespaces } from '../../../api/core/v1/namespace.ts';
import type { Namespace } from '../../../api/core/v1/types.gen.ts';
import { notFound } from '../../../apimachinery/errors.ts';
import type { KubeObject, LabelSelector } from '../../../apimachinery/meta.ts';
import { type LabelMatcher, labelSelectorMatcher } from '../../../apimachinery/selectors.ts';
import type { AdmissionAttributes, ObjectReader } from '../../contracts.ts';
import { isAbout } from '../attributes.ts';

export interface Selectors {
  namespace: LabelMatcher;
  object: LabelMatcher;
}

/** Absent selectors select everything, as the API's defaults do. */
export const selectorsOf = (from: { namespaceSelector?: LabelSelector; objectSelector?: LabelSelector }): Selectors => ({
  namespace: labelSelectorMatcher(from.namespaceSelector ?? {}),
  object: labelSelectorMatcher(from.objectSelector ?? {}),
});

const matchesLabels = (matcher: LabelMatcher, object: KubeObject | undefined): boolean =>
  object?.metadata !== undefined && matcher.matches(object.metadata.labels ?? {});

/** The namespace of a request; of one about a namespace, as it will be. Undefined for what is in none. */
export async function namespaceOf(attributes: AdmissionAttributes, reader: ObjectReader): Promise<Namespace | undefined> {
  const { namespace, name, object, operation, definition } = attributes;
  const aboutNamespace = definition.plural === namespaces.plural && definition.group === namespaces.group;
  if (aboutNamespace && isAbout(attributes, namespaces) && (operation === 'CREATE' || operation === 'UPDATE')) return object as Namespace;
  const wanted = aboutNamespace ? name : namespace;
  return wanted === '' ? undefined : reader.get<Namespace>(namespaces, '', wanted);
}

/** What is in no namespace is never left out by the namespace's labels. @throws NotFound when the namespace is not there */
export async function selectorsMatch(selectors: Selectors, attributes: AdmissionAttributes, reader: ObjectReader): Promise<boolean> {
  if (!selectors.object.empty && !matchesLabels(selectors.object, attributes.object) && !matchesLabels(selectors.object, attributes.oldObject)) return false;
  const aboutNamespace = attributes.definition.plural === namespaces.plural && attributes.definition.group === namespaces.group;
  if (selectors.namespace.empty || (attributes.namespace === '' && !aboutNamespace)) return true;
  const namespace = await namespaceOf(attributes, reader);
  if (!namespace) throw notFound({ group: '', resource: namespaces.plural }, attributes.namespace || attributes.name);
  return matchesLabels(selectors.namespace, namespace);
}
