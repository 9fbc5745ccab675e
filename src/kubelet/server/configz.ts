/** The settings that this kubelet runs with, as `KubeletConfiguration`: what tools and tests read to know a node's defaults. */
import { cgroupVersion } from '../cgroups/hierarchy.ts';
import { showConfiguration } from '../config/configuration.ts';
import type { KubeletContext } from '../context.ts';

export function configz({ options, config, paths }: KubeletContext): { kubeletconfig: Record<string, unknown> } {
  return {
    kubeletconfig: {
      enableServer: options.enableServer ?? true,
      address: options.server.address ?? '0.0.0.0',
      port: options.server.port,
      authentication: { x509: {}, webhook: { enabled: true, cacheTTL: '2m0s' }, anonymous: { enabled: false } },
      authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' } },
      containerRuntimeEndpoint: options.criEndpoint,
      clusterDomain: options.clusterDomain,
      clusterDNS: options.clusterDns,
      cgroupRoot: options.cgroup.root,
      cgroupsPerQOS: true,
      failCgroupV1: cgroupVersion() === 2,
      podLogsDir: options.podLogsDir,
      resolvConf: options.resolvConf ?? '/etc/resolv.conf',
      enforceNodeAllocatable: ['pods'],
      volumePluginDir: `${paths.root}/volumeplugins`,
      ...showConfiguration(config),
    },
  };
}
