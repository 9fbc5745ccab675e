/** What nodes must know of a cluster: published by the server, read by agents that joined. */
import { configmaps } from '../../api/core/v1/configmap.ts';
import { clusterroles } from '../../api/rbac/v1/clusterrole.ts';
import { clusterrolebindings } from '../../api/rbac/v1/clusterrolebinding.ts';
import { roles } from '../../api/rbac/v1/role.ts';
import { rolebindings } from '../../api/rbac/v1/rolebinding.ts';
import type { Client } from '../../client/client.ts';
import { ensureAll, mergeData } from '../bootstrap/ensure.ts';
import type { ClusterConfig } from '../config.ts';
import type { ClusterFacts } from './agent.ts';

const factsNamespace = 'kube-public';
const factsName = 'knarr';

export const factsOf = ({ clusterDns, clusterDomain, podCidr }: ClusterConfig): ClusterFacts => ({ clusterDns, clusterDomain, clusterCidr: podCidr });

export async function readFacts(client: Client): Promise<ClusterFacts> {
  const { data = {} } = await client.resource(configmaps).get(factsNamespace, factsName);
  const fact = (name: string): string => {
    const value = data[name];
    if (!value) throw new Error(`the ConfigMap ${factsNamespace}/${factsName} does not tell ${name}`);
    return value;
  };
  return { clusterDns: fact('clusterDns'), clusterDomain: fact('clusterDomain'), clusterCidr: fact('clusterCidr') };
}

/** What the agent's proxy, routes, DNS and local volumes read besides what upstream's role for kubelets allows. */
const agentRules = [
  { apiGroups: [''], resources: ['nodes', 'services', 'namespaces', 'persistentvolumes'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
];

/** Makes them readable for every node. As a member of `system:masters`. */
export async function publishFacts(client: Client, config: ClusterConfig): Promise<void> {
  const metadata = { name: factsName, namespace: factsNamespace };
  const rules = [{ apiGroups: [''], resources: ['configmaps'], resourceNames: [factsName], verbs: ['get'] }];
  const subjects = [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:nodes' }];
  const roleRef = { kind: 'Role', apiGroup: 'rbac.authorization.k8s.io', name: 'knarr:node-facts' };
  const agentRole = { metadata: { name: 'knarr:agent' } };
  await Promise.all([
    ensureAll(client, clusterroles, [{ ...agentRole, rules: agentRules }]),
    ensureAll(client, clusterrolebindings, [{ ...agentRole, roleRef: { ...roleRef, kind: 'ClusterRole', name: 'knarr:agent' }, subjects }]),
    ensureAll(client, configmaps, [{ metadata, data: { ...factsOf(config) } }], mergeData),
    ensureAll(client, roles, [{ metadata: { ...metadata, name: 'knarr:node-facts' }, rules }]),
    ensureAll(client, rolebindings, [{ metadata: { ...metadata, name: 'knarr:node-facts' }, roleRef, subjects }]),
  ]);
}
