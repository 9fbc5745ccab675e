/**
 * What a cluster has from the start. Run by every server at its start, as a member of `system:masters`;
 * idempotent, and what an administrator changed or added stays.
 */
import { configmaps } from '../../api/core/v1/configmap.ts';
import { namespaces } from '../../api/core/v1/namespace.ts';
import { services } from '../../api/core/v1/service.ts';
import { clusterroles } from '../../api/rbac/v1/clusterrole.ts';
import { clusterrolebindings } from '../../api/rbac/v1/clusterrolebinding.ts';
import { roles } from '../../api/rbac/v1/role.ts';
import { rolebindings } from '../../api/rbac/v1/rolebinding.ts';
import { priorityclasses } from '../../api/scheduling/v1/priorityclass.ts';
import { storageclasses } from '../../api/storage/v1/storageclass.ts';
import type { Client } from '../../client/client.ts';
import { ensureAll, mergeData } from './ensure.ts';
import {
  clusterInfo,
  defaultStorageClass,
  dnsService,
  extensionAuthentication,
  type FrontProxySettings,
  systemNamespaces,
  systemPriorityClasses,
} from './objects.ts';
import { reconcileBinding, reconcileRole } from './reconcile.ts';
import { account, bindClusterRole, clusterRoleBindings, roleBindings } from './roles/bindings.ts';
import { controllerRoles } from './roles/controllers.ts';
import { clusterRoleOf, roleOf } from './roles/format.ts';
import { joiningClusterRoleBindings, joiningClusterRoles, joiningRoleBindings, joiningRoles } from './roles/joining.ts';
import { namespacedRoles } from './roles/namespaced.ts';
import { systemRoles } from './roles/system.ts';
import { metricsReader, userRoles } from './roles/user.ts';

export interface BootstrapSettings {
  /** Under which machines that join reach the API server: `https://…`. */
  serverUrl: string;
  /** PEM. */
  clusterCa: string;
  /** PEM of all authorities whose client certificates are accepted; default: the cluster's CA. */
  clientCa?: string;
  frontProxy?: FrontProxySettings;
  /** Cluster IP of the DNS service; absent when the cluster runs no DNS of its own. */
  dnsIp?: string;
  /** A default storage class whose volumes are directories on a node. Default true. */
  localStorage?: boolean;
  /** Whoever may view a namespace may see what its pods use. Default false. */
  resourceMetrics?: boolean;
}

/** The service account of the provisioner behind the default storage class. */
const localProvisionerAccount = 'local-provisioner';

/** Namespaces and everything of RBAC: what components need before they may do anything. */
export async function applyBootstrapRoles(client: Client, { resourceMetrics = false }: Pick<BootstrapSettings, 'resourceMetrics'> = {}): Promise<void> {
  await Promise.all([
    ensureAll(client, namespaces, systemNamespaces()),
    ensureAll(
      client,
      clusterroles,
      [...[...userRoles, ...systemRoles, ...controllerRoles, ...(resourceMetrics ? [metricsReader] : [])].map(clusterRoleOf), ...joiningClusterRoles()],
      reconcileRole,
    ),
    ensureAll(
      client,
      clusterrolebindings,
      [
        ...clusterRoleBindings(),
        ...joiningClusterRoleBindings(),
        bindClusterRole('system:persistent-volume-provisioner', [account(localProvisionerAccount)], 'knarr:local-provisioner'),
      ],
      reconcileBinding,
    ),
  ]);
  await Promise.all([
    ensureAll(client, roles, [...namespacedRoles.map(roleOf), ...joiningRoles()], reconcileRole),
    ensureAll(client, rolebindings, [...roleBindings(), ...joiningRoleBindings()], reconcileBinding),
  ]);
}

/** Everything. In-process against an empty store, a few dozen milliseconds. */
export async function applyBootstrap(client: Client, settings: BootstrapSettings): Promise<void> {
  await applyBootstrapRoles(client, settings);
  await Promise.all([
    ensureAll(client, priorityclasses, systemPriorityClasses()),
    ensureAll(client, storageclasses, settings.localStorage === false ? [] : [defaultStorageClass()]),
    ensureAll(client, services, settings.dnsIp === undefined ? [] : [dnsService(settings.dnsIp)]),
    ensureAll(
      client,
      configmaps,
      [clusterInfo(settings.serverUrl, settings.clusterCa), extensionAuthentication(settings.clientCa ?? settings.clusterCa, settings.frontProxy)],
      mergeData,
    ),
  ]);
}
