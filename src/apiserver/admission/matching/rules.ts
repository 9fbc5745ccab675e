/** Whether a rule of a webhook or policy names the request. */
import { namespaces } from '../../../api/core/v1/namespace.ts';
import type { KindDefinition } from '../../../api/kind.ts';
import type { AdmissionAttributes } from '../../contracts.ts';

export interface Rule {
  operations?: readonly string[];
  apiGroups?: readonly string[];
  apiVersions?: readonly string[];
  resources?: readonly string[];
  scope?: string;
  /** Of policies alone. */
  resourceNames?: readonly string[];
}

const names = (items: readonly string[] | undefined, wanted: string): boolean => items?.some((item) => item === '*' || item === wanted) ?? false;

function inScope(scope: string | undefined, definition: KindDefinition, namespace: string): boolean {
  if (scope === undefined || scope === '' || scope === '*') return true;
  // The namespace of a request about a Namespace is that namespace itself.
  const ofCluster = namespace === '' || (definition.plural === namespaces.plural && definition.group === namespaces.group);
  return scope === 'Cluster' ? ofCluster : scope === 'Namespaced' && !ofCluster;
}

function namesResource(resources: readonly string[] | undefined, plural: string, subresource: string): boolean {
  return (
    resources?.some((resource) => {
      const [main = '', sub = ''] = resource.split('/', 2);
      return (main === '*' || main === plural) && (sub === '*' || sub === subresource);
    }) ?? false
  );
}

/** @param definition the request's own version, or an equivalent one */
export function ruleMatches(rule: Rule, { operation, subresource, namespace, name }: AdmissionAttributes, definition: KindDefinition): boolean {
  return (
    inScope(rule.scope, definition, namespace) &&
    names(rule.operations, operation) &&
    names(rule.apiGroups, definition.group) &&
    names(rule.apiVersions, definition.version) &&
    namesResource(rule.resources, definition.plural, subresource) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(name))
  );
}

const configurationKinds: readonly string[] = [
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
];

/** What configures admission is never subject to it: nobody could undo a mistake. */
export const isExempt = ({ definition: { group, kind } }: AdmissionAttributes): boolean =>
  group === 'admissionregistration.k8s.io' && configurationKinds.includes(kind);
