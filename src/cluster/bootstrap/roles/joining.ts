/**
 * What lets a machine join with a token, named as kubeadm names it: read the cluster's address and CA without credentials,
 * ask for a kubelet's client certificate with a bootstrap token, have it approved, and renew it later.
 */
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../../api/rbac/v1/types.gen.ts';
import { bindClusterRole, bindRole, group, user } from './bindings.ts';
import { clusterRoleOf, roleOf, rule } from './format.ts';

/** The group of tokens with which nodes join. */
export const joiningGroup = 'system:bootstrappers:kubeadm:default-node-token';
const approval = 'system:certificates.k8s.io:certificatesigningrequests';

export const joiningClusterRoles = (): ClusterRole[] => [clusterRoleOf({ name: 'kubeadm:get-nodes', rules: [rule('get', 'core', 'nodes')] })];

export const joiningClusterRoleBindings = (): ClusterRoleBinding[] => [
  bindClusterRole('kubeadm:get-nodes', [group(joiningGroup)]),
  bindClusterRole('system:node-bootstrapper', [group(joiningGroup)], 'kubeadm:kubelet-bootstrap'),
  bindClusterRole(`${approval}:nodeclient`, [group(joiningGroup)], 'kubeadm:node-autoapprove-bootstrap'),
  bindClusterRole(`${approval}:selfnodeclient`, [group('system:nodes')], 'kubeadm:node-autoapprove-certificate-rotation'),
];

const clusterInfoReader = 'kubeadm:bootstrap-signer-clusterinfo';

export const joiningRoles = (): Role[] => [
  roleOf({ name: clusterInfoReader, namespace: 'kube-public', rules: [rule('get', 'core', 'configmaps', 'cluster-info')] }),
];

export const joiningRoleBindings = (): RoleBinding[] => [bindRole('kube-public', clusterInfoReader, [user('system:anonymous')])];
