/** What a kubelet may change of its own Node: nothing by which it could draw workloads to itself. */
import type { Node } from '../../../api/core/v1/types.gen.ts';
import { semanticEqual } from '../../../apimachinery/equality.ts';
import { own as ownValue } from '../../../apimachinery/own.ts';
import { objectOf, oldObjectOf, refusal } from '../attributes.ts';
import { quote, type Restriction } from './restriction.ts';

type Labels = Readonly<Record<string, string>>;

const own: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);

const within = (domain: string, parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);

function isForbidden(label: string): boolean {
  const slash = label.indexOf('/');
  const domain = slash < 0 ? '' : label.slice(0, slash);
  if (within(domain, 'node-restriction.kubernetes.io')) return true;
  const ofKubernetes = within(domain, 'kubernetes.io') || within(domain, 'k8s.io');
  return ofKubernetes && !own.has(label) && !within(domain, 'kubelet.kubernetes.io') && !within(domain, 'node.kubernetes.io');
}

const changedLabels = (a: Labels = {}, b: Labels = {}): string[] =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => ownValue(a, key) !== ownValue(b, key));
const forbiddenChanges = (a: Labels | undefined, b: Labels | undefined): string => changedLabels(a, b).filter(isForbidden).sort().join(', ');

export const restrictNodes: Restriction = (node, attributes) => {
  const name = attributes.name || (attributes.object?.metadata.name ?? '');
  if (name !== node) throw refusal(attributes, `node ${quote(node)} is not allowed to modify node ${quote(name)}`);
  if (attributes.operation === 'DELETE') return;
  const { metadata, spec } = objectOf<Node>(attributes);
  if (attributes.operation === 'CREATE') {
    if (spec?.configSource) throw refusal(attributes, `node ${quote(node)} is not allowed to create pods with a non-nil configSource`);
    const labels = forbiddenChanges(metadata.labels, undefined);
    if (labels !== '') throw refusal(attributes, `node ${quote(node)} is not allowed to set the following labels: ${labels}`);
    return;
  }
  const old = oldObjectOf<Node>(attributes);
  if (spec?.configSource && !semanticEqual(spec.configSource, old.spec?.configSource))
    throw refusal(attributes, `node ${quote(node)} is not allowed to update configSource to a new non-nil configSource`);
  if (!semanticEqual(spec?.taints, old.spec?.taints)) throw refusal(attributes, `node ${quote(node)} is not allowed to modify taints`);
  if (!semanticEqual(metadata.ownerReferences, old.metadata.ownerReferences))
    throw refusal(attributes, `node ${quote(node)} is not allowed to modify ownerReferences`);
  const labels = forbiddenChanges(metadata.labels, old.metadata.labels);
  if (labels !== '') throw refusal(attributes, `is not allowed to modify labels: ${labels}`);
};
