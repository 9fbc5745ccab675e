/** Who has the default roles. */
import type { ClusterRoleBinding, RoleBinding, Subject } from '../../../api/rbac/v1/types.gen.ts';
import { controllerRoles } from './controllers.ts';
import { defaultMeta } from './format.ts';

const apiGroup = 'rbac.authorization.k8s.io';
export const user = (name: string): Subject => ({ apiGroup, kind: 'User', name });
export const group = (name: string): Subject => ({ apiGroup, kind: 'Group', name });
export const account = (name: string): Subject => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' });

const everybody = [group('system:authenticated'), group('system:unauthenticated')];

const subjectsOfClusterRoles: Readonly<Record<string, Subject[]>> = {
  'cluster-admin': [group('system:masters')],
  'system:monitoring': [group('system:monitoring')],
  'system:discovery': [group('system:authenticated')],
  'system:basic-user': [group('system:authenticated')],
  'system:public-info-viewer': everybody,
  'system:node-proxier': [user('system:kube-proxy')],
  'system:kube-controller-manager': [user('system:kube-controller-manager')],
  'system:kube-dns': [account('kube-dns')],
  'system:kube-scheduler': [user('system:kube-scheduler')],
  'system:volume-scheduler': [user('system:kube-scheduler')],
  'system:service-account-issuer-discovery': [group('system:serviceaccounts')],
  // Nodes are authorized by the node authorizer; the binding stands for administrators who want to extend it.
  'system:node': [],
};

/** A binding with the name of its cluster role, unless it is given another one. */
export const bindClusterRole = (role: string, subjects: Subject[], name = role): ClusterRoleBinding => ({
  metadata: defaultMeta(name),
  roleRef: { apiGroup, kind: 'ClusterRole', name: role },
  ...(subjects.length > 0 ? { subjects } : {}),
});

export const bindRole = (namespace: string, role: string, subjects: Subject[], name = role): RoleBinding => ({
  metadata: defaultMeta(name, namespace),
  roleRef: { apiGroup, kind: 'Role', name: role },
  subjects,
});

const controllerPrefix = 'system:controller:';

export const clusterRoleBindings = (): ClusterRoleBinding[] => [
  ...Object.entries(subjectsOfClusterRoles).map(([role, subjects]) => bindClusterRole(role, subjects)),
  ...controllerRoles.map(({ name }) => bindClusterRole(name, [account(name.slice(controllerPrefix.length))])),
];

export const roleBindings = (): RoleBinding[] => [
  bindRole('kube-public', 'system:controller:bootstrap-signer', [account('bootstrap-signer')]),
  bindRole('kube-system', 'system:controller:bootstrap-signer', [account('bootstrap-signer')]),
  bindRole('kube-system', 'system:controller:cloud-provider', [account('cloud-provider')]),
  bindRole('kube-system', 'system:controller:token-cleaner', [account('token-cleaner')]),
  bindRole(
    'kube-system',
    'extension-apiserver-authentication-reader',
    [user('system:kube-controller-manager'), user('system:kube-scheduler')],
    'system::extension-apiserver-authentication-reader',
  ),
  bindRole('kube-system', 'system::leader-locking-kube-controller-manager', [
    user('system:kube-controller-manager'),
    account('kube-controller-manager'),
    account('leader-election-controller'),
  ]),
  bindRole('kube-system', 'system::leader-locking-kube-scheduler', [user('system:kube-scheduler'), account('kube-scheduler')]),
];
