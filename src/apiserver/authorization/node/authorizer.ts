/** What a kubelet may do: only what it needs for itself and for the pods that are bound to its node. */
import { nodeIdentity } from '../../authentication/identities.ts';
import type { AuthorizationAttributes, Authorizer, Decision } from '../../contracts.ts';
import { ruleAllows } from '../rules.ts';
import type { NodeGraph, NodeObjectType } from './graph.ts';
import { nodeRules } from './rules.ts';

const allow: Decision = { decision: 'allow', reason: '' };
const none = (reason = ''): Decision => ({ decision: 'no-opinion', reason });
type Check = (node: string, attributes: AuthorizationAttributes, graph: NodeGraph) => Decision;

const related = (node: string, type: NodeObjectType, { namespace, name }: AuthorizationAttributes, graph: NodeGraph): Decision => {
  if (name === '') return none('No Object name found');
  return graph.relates(node, type, namespace, name) ? allow : none(`no relationship found between node '${node}' and this object`);
};

const selects = (selector: string | undefined, field: string, value: string): boolean =>
  (selector ?? '').split(',').some((one) => one === `${field}=${value}` || one === `${field}==${value}`);

const get =
  (type: NodeObjectType): Check =>
  (node, attributes, graph) => {
    if (attributes.verb !== 'get') return none('can only get individual resources of this type');
    if (attributes.subresource !== '') return none('cannot get subresource');
    return related(node, type, attributes, graph);
  };

const read =
  (type: NodeObjectType): Check =>
  (node, attributes, graph) => {
    if (!['get', 'list', 'watch'].includes(attributes.verb)) return none('can only read resources of this type');
    if (attributes.subresource !== '') return none('cannot read subresource');
    if (attributes.namespace === '') return none('can only read namespaced object of this type');
    return related(node, type, attributes, graph);
  };

const claims: Check = (node, attributes, graph) => {
  if (attributes.subresource !== 'status') return get('pvc')(node, attributes, graph);
  if (attributes.verb !== 'update' && attributes.verb !== 'patch') return none('can only get/update/patch this type');
  return related(node, 'pvc', attributes, graph);
};

const serviceAccounts: Check = (node, attributes, graph) => {
  if (attributes.verb === 'get' && attributes.subresource === '') return read('serviceaccount')(node, attributes, graph);
  if (attributes.verb !== 'create' || attributes.name === '') return none('can only create tokens for individual service accounts');
  if (attributes.subresource !== 'token') return none('can only create token subresource of serviceaccount');
  return related(node, 'serviceaccount', attributes, graph);
};

const ownVerbs = ['get', 'create', 'update', 'patch', 'delete'];

const leases: Check = (node, { verb, namespace, name }) => {
  if (!ownVerbs.includes(verb)) return none('can only get, create, update, patch, or delete a node lease');
  if (namespace !== 'kube-node-lease') return none('can only access leases in the "kube-node-lease" system namespace');
  // On create the name is not known here; NodeRestriction admission checks it.
  if (verb !== 'create' && name !== node) return none('can only access node lease with the same name as the requesting node');
  return allow;
};

const csiNodes: Check = (node, { verb, subresource, name }) => {
  if (!ownVerbs.includes(verb)) return none('can only get, create, update, patch, or delete a CSINode');
  if (subresource !== '') return none('cannot authorize CSINode subresources');
  if (verb !== 'create' && name !== node) return none('can only access CSINode with the same name as the requesting node');
  return allow;
};

const resourceSlices: Check = (node, attributes, graph) => {
  if (attributes.subresource !== '') return none('cannot authorize ResourceSlice subresources');
  switch (attributes.verb) {
    case 'create':
      return allow;
    case 'get':
    case 'update':
    case 'patch':
    case 'delete':
      return related(node, 'resourceslice', attributes, graph);
    case 'watch':
    case 'list':
    case 'deletecollection':
      return selects(attributes.fieldSelector, 'spec.nodeName', node)
        ? allow
        : none('can only list/watch/deletecollection resourceslices with nodeName field selector');
    default:
      return none('only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection');
  }
};

const podCertificateRequests: Check = (node, attributes, graph) => {
  if (attributes.subresource !== '') return none('nodes may not access the status subresource of PodCertificateRequests');
  switch (attributes.verb) {
    case 'create':
      return allow;
    case 'get':
      return related(node, 'podcertificaterequest', attributes, graph);
    case 'list':
    case 'watch':
      return selects(attributes.fieldSelector, 'spec.nodeName', node) ? allow : none('can only list/watch podcertificaterequests with nodeName field selector');
    default:
      return none(`nodes may not ${attributes.verb} podcertificaterequests`);
  }
};

const nodes: Check = (node, { verb, subresource, name }) => {
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? allow : none();
  if (subresource !== '') return none();
  if (['create', 'update', 'patch'].includes(verb)) return allow;
  if (!['get', 'list', 'watch'].includes(verb)) return none();
  if (name === node) return allow;
  return none(
    name === '' ? `node '${node}' cannot read all nodes, only its own Node object` : `node '${node}' cannot read '${name}', only its own Node object`,
  );
};

const pods: Check = (node, attributes, graph) => {
  const { verb, subresource, name } = attributes;
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? allow : none();
  if (subresource === 'eviction') return verb === 'create' ? allow : none();
  if (subresource !== '') return none();
  switch (verb) {
    case 'get':
      return get('pod')(node, attributes, graph);
    case 'list':
    case 'watch':
      if (selects(attributes.fieldSelector, 'spec.nodeName', node)) return allow;
      return name === '' ? none('can only list/watch pods with spec.nodeName field selector') : related(node, 'pod', attributes, graph);
    case 'create':
    case 'delete':
      return allow;
    default:
      return none();
  }
};

const checks: Readonly<Record<string, Check>> = {
  secrets: read('secret'),
  configmaps: read('configmap'),
  persistentvolumeclaims: claims,
  persistentvolumes: get('pv'),
  'resourceclaims.resource.k8s.io': get('resourceclaim'),
  'volumeattachments.storage.k8s.io': get('volumeattachment'),
  serviceaccounts: serviceAccounts,
  'leases.coordination.k8s.io': leases,
  'csinodes.storage.k8s.io': csiNodes,
  'resourceslices.resource.k8s.io': resourceSlices,
  'podcertificaterequests.certificates.k8s.io': podCertificateRequests,
  nodes,
  pods,
};

/** Has an opinion on kubelets alone (user `system:node:<name>` in group `system:nodes`), and never denies. */
export function createNodeAuthorizer(graph: NodeGraph): Authorizer {
  let loaded = false;
  void graph.ready.then(() => {
    loaded = true;
  });

  function decide(node: string, attributes: AuthorizationAttributes): Decision {
    if (attributes.isResourceRequest) {
      const check = checks[attributes.group === '' ? attributes.resource : `${attributes.resource}.${attributes.group}`];
      if (check) return check(node, attributes, graph);
    }
    return nodeRules.some((rule) => ruleAllows(rule, attributes)) ? allow : none();
  }

  return (attributes) => {
    const { isNode, name } = nodeIdentity(attributes.user);
    if (!isNode) return none();
    if (name === '') return none(`unknown node for user ${JSON.stringify(attributes.user.username)}`);
    return loaded ? decide(name, attributes) : graph.ready.then(() => decide(name, attributes));
  };
}
