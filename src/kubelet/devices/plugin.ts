/** One device plugin, at its socket: calls to it, and the list of its devices as it changes. */
import * as grpc from '@grpc/grpc-js';
import { callerOf, definitionOf } from '../grpc.ts';
import { type Allocation, type Device, messages, type PluginOptions } from './messages.ts';

export interface Plugin {
  options(): Promise<PluginOptions>;
  allocate(ids: readonly string[]): Promise<Allocation | undefined>;
  /** Which of `available` the plugin would rather give. */
  preferred(available: readonly string[], must: readonly string[], count: number): Promise<string[]>;
  preStart(ids: readonly string[]): Promise<void>;
  /** Calls `changed` for every list; `ended` once, when the plugin is gone. */
  watch(changed: (devices: Device[]) => void, ended: (error: unknown) => void): void;
  close(): void;
}

/** As upstream has it. */
const dialMs = 10_000;
const preStartMs = 30_000;
const definition = definitionOf(messages, 'v1beta1.DevicePlugin');

/** Waits until the plugin answers; throws when it does not in ten seconds. */
export async function connectPlugin(socket: string): Promise<Plugin> {
  const channel = new grpc.Client(`unix://${socket}`, grpc.credentials.createInsecure());
  try {
    await new Promise<void>((resolve, reject) => channel.waitForReady(Date.now() + dialMs, (error) => (error ? reject(error) : resolve())));
  } catch {
    channel.close();
    throw new Error(`failed to dial device plugin: context deadline exceeded`);
  }

  const call = callerOf(channel, definition);

  return {
    options: () => call('GetDevicePluginOptions', {}),
    allocate: async (devicesIds) =>
      (await call<{ containerResponses: Allocation[] }>('Allocate', { containerRequests: [{ devicesIds }] })).containerResponses[0],
    preferred: async (availableDeviceIDs, mustIncludeDeviceIDs, allocationSize) => {
      const containerRequests = [{ availableDeviceIDs, mustIncludeDeviceIDs, allocationSize }];
      const answer = await call<{ containerResponses: { deviceIDs: string[] }[] }>('GetPreferredAllocation', { containerRequests });
      return answer.containerResponses[0]?.deviceIDs ?? [];
    },
    preStart: (devicesIds) => call('PreStartContainer', { devicesIds }, preStartMs),
    watch: (changed, ended) => {
      const described = definition['ListAndWatch'] as grpc.MethodDefinition<object, object>;
      const stream = channel.makeServerStreamRequest(described.path, described.requestSerialize, described.responseDeserialize, {});
      let over = false;
      const end = (error?: unknown): void => {
        if (!over) ended(error);
        over = true;
      };
      stream.on('data', ({ devices }: { devices: Device[] }) => changed(devices));
      stream.on('error', end);
      stream.on('end', () => end());
    },
    close: () => channel.close(),
  };
}
