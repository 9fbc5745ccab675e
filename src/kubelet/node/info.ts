/** What a node tells of itself that does not change while it runs. */
import { readFileSync } from 'node:fs';
import { arch, release } from 'node:os';
import type { NodeSystemInfo } from '../../api/core/v1/types.gen.ts';
import type { KubeletContext } from '../context.ts';
import { defaultVersion } from '../options.ts';

const text = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return ''; // not every machine has every file
  }
};

/** Go's name of this machine's architecture. */
export const architecture = (): string => ({ x64: 'amd64', ia32: '386' })[arch() as string] ?? arch();

/** From `os-release(5)`. */
export const prettyName = (osRelease: string): string => /^PRETTY_NAME=(?:"([^"]*)"|(.*))$/m.exec(osRelease)?.slice(1).find(Boolean) ?? 'Linux';

export function nodeInfo({ options, runtime }: KubeletContext): NodeSystemInfo {
  const machineId = text('/etc/machine-id') || text('/var/lib/dbus/machine-id');
  const swapKb = Number(/^SwapTotal:\s+(\d+) kB/m.exec(text('/proc/meminfo'))?.[1] ?? 0);
  return {
    machineID: machineId,
    systemUUID: text('/sys/class/dmi/id/product_uuid') || machineId,
    bootID: text('/proc/sys/kernel/random/boot_id'),
    kernelVersion: release(),
    osImage: prettyName(text('/etc/os-release') || text('/usr/lib/os-release')),
    containerRuntimeVersion: `${runtime.name}://${runtime.version}`,
    kubeletVersion: options.kubernetesVersion ?? defaultVersion,
    kubeProxyVersion: '',
    operatingSystem: 'linux',
    architecture: architecture(),
    ...(swapKb ? { swap: { capacity: swapKb * 1024 } } : {}),
  };
}

/** Labels that every node has. */
export const standardLabels = (hostname: string): Record<string, string> => ({
  'beta.kubernetes.io/arch': architecture(),
  'beta.kubernetes.io/os': 'linux',
  'kubernetes.io/arch': architecture(),
  'kubernetes.io/hostname': hostname,
  'kubernetes.io/os': 'linux',
});
