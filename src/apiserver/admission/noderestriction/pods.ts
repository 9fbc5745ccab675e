/** What a kubelet may do with pods: mirror its static ones, report on and evict those bound to it. */
import { nodes } from '../../../api/core/v1/node.ts';
import { apiReference } from '../../../api/core/v1/pod/references.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import type { Node, Pod } from '../../../api/core/v1/types.gen.ts';
import { semanticEqual } from '../../../apimachinery/equality.ts';
import { notFound } from '../../../apimachinery/errors.ts';
import { objectOf, oldObjectOf, refusal } from '../attributes.ts';
import { mirrorPodAnnotation } from '../serviceaccount/serviceaccount.ts';
import { quote, type Restriction } from './restriction.ts';

const usesApi = 'can not create pods that reference';

const create: Restriction = async (node, attributes, { reader }) => {
  const { metadata, spec, ...rest } = objectOf<Pod>(attributes);
  const refuse = (why: string): Error => refusal(attributes, why);
  if (metadata.annotations?.[mirrorPodAnnotation] === undefined)
    throw refuse(`pod does not have ${quote(mirrorPodAnnotation)} annotation, node ${quote(node)} can only create mirror pods`);
  if (spec.nodeName !== node) throw refuse(`node ${quote(node)} can only create pods with spec.nodeName set to itself`);
  const [owner, ...others] = metadata.ownerReferences ?? [];
  if (others.length > 0) throw refuse(`node ${quote(node)} can only create pods with a single owner reference set to itself`);
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node)
    throw refuse(`node ${quote(node)} can only create pods with an owner reference set to itself`);
  if (!owner.controller) throw refuse(`node ${quote(node)} can only create pods with a controller owner reference set to itself`);
  if (owner.blockOwnerDeletion) throw refuse(`node ${quote(node)} must not set blockOwnerDeletion on an owner reference`);
  const self = await reader.get<Node>(nodes, '', node);
  if (!self) throw notFound({ group: '', resource: nodes.plural }, node);
  if (owner.uid !== self.metadata.uid) throw refuse(`node ${node} UID mismatch: expected ${owner.uid} got ${self.metadata.uid}`);
  const reference = apiReference({ ...rest, metadata, spec });
  if (reference) throw refuse(`node ${quote(node)} ${usesApi} ${reference}`);
};

const itself: Restriction = (node, attributes, context) => {
  switch (attributes.operation) {
    case 'CREATE':
      return create(node, attributes, context);
    case 'DELETE':
      if (oldObjectOf<Pod>(attributes).spec.nodeName !== node)
        throw refusal(attributes, `node ${quote(node)} can only delete pods with spec.nodeName set to itself`);
      return;
    default:
      throw refusal(attributes, `unexpected operation ${quote(attributes.operation)}, node ${quote(node)} can only create and delete mirror pods`);
  }
};

const status: Restriction = (node, attributes) => {
  if (attributes.operation !== 'UPDATE') throw refusal(attributes, `unexpected operation ${quote(attributes.operation)}`);
  const [old, pod] = [oldObjectOf<Pod>(attributes), objectOf<Pod>(attributes)];
  if (old.spec.nodeName !== node) throw refusal(attributes, `node ${quote(node)} can only update pod status for pods with spec.nodeName set to itself`);
  if (!semanticEqual(old.metadata.labels ?? {}, pod.metadata.labels ?? {}))
    throw refusal(attributes, `node ${quote(node)} cannot update labels through pod status`);
  if (!semanticEqual(old.status?.resourceClaimStatuses, pod.status?.resourceClaimStatuses))
    throw refusal(attributes, `node ${quote(node)} cannot update resource claim statues`);
  if (!semanticEqual(old.status?.extendedResourceClaimStatus, pod.status?.extendedResourceClaimStatus))
    throw refusal(attributes, `node ${quote(node)} cannot update extended resource claim status`);
};

const eviction: Restriction = async (node, attributes, { reader }) => {
  if (attributes.operation !== 'CREATE') throw refusal(attributes, `unexpected operation ${attributes.operation}`);
  const name = attributes.name || objectOf(attributes).metadata.name;
  if (!name) throw refusal(attributes, 'could not determine pod from request data');
  const pod = await reader.get<Pod>(pods, attributes.namespace, name);
  if (!pod) throw notFound({ group: '', resource: pods.plural }, name);
  if (pod.spec.nodeName !== node) throw refusal(attributes, `node ${node} can only evict pods with spec.nodeName set to itself`);
};

const bySubresource: Readonly<Record<string, Restriction>> = { '': itself, status, eviction };

export const restrictPods: Restriction = (node, attributes, context) => {
  const restriction = bySubresource[attributes.subresource];
  if (!restriction) throw refusal(attributes, `unexpected pod subresource ${quote(attributes.subresource)}, only 'status' and 'eviction' are allowed`);
  return restriction(node, attributes, context);
};
