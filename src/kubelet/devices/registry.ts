/** Where device plugins announce themselves: the socket `kubelet.sock` of the directory where they have their own. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { isExtendedResource } from '../../api/core/v1/resourcenames.ts';
import { definitionOf, listenAt, unaryHandlers } from '../grpc.ts';
import type { DeviceManager } from './manager.ts';
import { messages } from './messages.ts';

const version = 'v1beta1';

/** Throws what a plugin is told that can't be. */
export function checkPlugin(versions: readonly string[], resource: string): void {
  if (!versions.includes(version))
    throw new Error(`requested API version "${versions.join(',')}" is not supported by kubelet. Supported version is ["${version}"]`);
  if (!isExtendedResource(resource)) throw new Error(`the ResourceName "${resource}" is invalid`);
}

export interface PluginRegistry {
  stop(): Promise<void>;
}

/** Sockets of plugins of before are removed: that tells their plugins to come again. */
export async function servePluginRegistry(
  directory: string,
  devices: DeviceManager,
  registered: (resource: string) => void = () => {},
): Promise<PluginRegistry> {
  await mkdir(directory, { recursive: true, mode: 0o750 });
  for (const entry of await readdir(directory, { withFileTypes: true })) if (entry.isSocket()) await rm(join(directory, entry.name), { force: true });
  const server = new grpc.Server();
  server.addService(
    definitionOf(messages, `${version}.Registration`),
    unaryHandlers({
      Register: async ({ version: spoken, endpoint, resourceName }: { version: string; endpoint: string; resourceName: string }) => {
        registered(resourceName);
        checkPlugin([spoken], resourceName);
        await devices.register(resourceName, join(directory, endpoint));
        return {};
      },
    }),
  );
  await listenAt(server, join(directory, 'kubelet.sock'));
  return {
    stop: async () => {
      server.forceShutdown();
    },
  };
}
