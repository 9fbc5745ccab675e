/** A pod's sandbox: the namespaces that its containers share, as CRI takes it. */
import { mkdir } from 'node:fs/promises';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { seccompRootOf } from '../containers/config.ts';
import { dnsConfigOf } from '../containers/dns.ts';
import { sandboxHostname } from '../containers/hosts.ts';
import { bytesOf, cpuPeriod, milliCpu, quotaOf, sharesOf } from '../containers/resources.ts';
import { sandboxSecurity } from '../containers/security.ts';
import type { KubeletContext } from '../context.ts';
import type { PodSandboxConfig, PortMapping, Protocol } from '../cri/types.gen.ts';
import { sandboxLabels } from '../runtime/labels.ts';
import { podTarget } from './target.ts';

export async function sandboxConfig(context: KubeletContext, pod: Pod, attempt: number, cgroupParent: string): Promise<PodSandboxConfig> {
  const { options, config, paths, events } = context;
  const { metadata, spec } = pod;
  const logDirectory = paths.podLogs(pod);
  await mkdir(logDirectory, { recursive: true, mode: 0o755 });
  const portMappings = spec.hostNetwork
    ? []
    : [...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'), ...spec.containers].flatMap((container) =>
        (container.ports ?? [])
          .filter(({ hostPort }) => hostPort)
          .map(
            ({ protocol = 'TCP', containerPort, hostPort, hostIP = '' }): PortMapping => ({
              protocol: protocol as Protocol,
              containerPort,
              hostPort,
              hostIp: hostIP,
            }),
          ),
      );
  const sysctls = Object.fromEntries((spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name.replaceAll('/', '.'), value]));
  const dnsConfig = await dnsConfigOf(pod, {
    clusterDns: options.clusterDns,
    clusterDomain: options.clusterDomain,
    resolvConf: options.resolvConf ?? '/etc/resolv.conf',
    warn: (message) => events.event(podTarget(pod), 'Warning', 'DNSConfigForming', message),
  });
  const overhead = spec.overhead;
  return {
    metadata: { name: metadata.name, namespace: metadata.namespace ?? '', uid: metadata.uid ?? '', attempt },
    hostname: spec.hostNetwork ? '' : sandboxHostname(pod, options.clusterDomain),
    logDirectory,
    dnsConfig,
    portMappings,
    labels: sandboxLabels(pod),
    annotations: metadata.annotations ?? {},
    linux: {
      cgroupParent,
      securityContext: sandboxSecurity(pod, { seccompRoot: seccompRootOf(context), seccompDefault: config.seccompDefault }),
      sysctls,
      ...(overhead
        ? { overhead: { cpuShares: sharesOf(milliCpu(overhead)), cpuPeriod, cpuQuota: quotaOf(milliCpu(overhead)), memoryLimitInBytes: bytesOf(overhead) } }
        : {}),
    },
  };
}
