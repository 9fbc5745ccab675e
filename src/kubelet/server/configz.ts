/** The settings that this kubelet runs with, as `KubeletConfiguration`: what tools and tests read to know a node's defaults. */
import { cgroupVersion } from '../cgroups/hierarchy.ts';
import type { KubeletContext } from '../context.ts';
import { defaults } from '../options.ts';

export function configz({ options, paths }: KubeletContext): { kubeletconfig: Record<string, unknown> } {
  return {
    kubeletconfig: {
      kind: 'KubeletConfiguration',
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      enableServer: options.enableServer ?? true,
      address: options.server.address ?? '0.0.0.0',
      port: options.server.port,
      containerRuntimeEndpoint: options.criEndpoint,
      clusterDomain: options.clusterDomain,
      clusterDNS: options.clusterDns,
      nodeStatusUpdateFrequency: '10s',
      nodeStatusReportFrequency: '5m0s',
      nodeLeaseDurationSeconds: 40,
      cgroupRoot: options.cgroup.root,
      cgroupsPerQOS: true,
      cgroupDriver: options.cgroup.driver,
      failCgroupV1: cgroupVersion() === 2,
      maxPods: options.maxPods ?? defaults.maxPods,
      podPidsLimit: options.podPidsLimit ?? defaults.podPidsLimit,
      podLogsDir: options.podLogsDir,
      resolvConf: options.resolvConf ?? '/etc/resolv.conf',
      serializeImagePulls: (options.maxParallelImagePulls ?? defaults.maxParallelImagePulls) === 1,
      maxParallelImagePulls: options.maxParallelImagePulls ?? defaults.maxParallelImagePulls,
      containerLogMaxSize: String(options.containerLogMaxSize ?? defaults.containerLogMaxSize),
      containerLogMaxFiles: options.containerLogMaxFiles ?? defaults.containerLogMaxFiles,
      allowedUnsafeSysctls: options.allowedUnsafeSysctls ?? [],
      seccompDefault: options.seccompDefault ?? false,
      evictionHard: {
        'imagefs.available': '15%',
        'imagefs.inodesFree': '5%',
        'memory.available': '100Mi',
        'nodefs.available': '10%',
        'nodefs.inodesFree': '5%',
      },
      enforceNodeAllocatable: ['pods'],
      staticPodPath: '',
      volumePluginDir: `${paths.root}/volumeplugins`,
      systemReserved: options.systemReserved,
      kubeReserved: options.kubeReserved,
    },
  };
}
