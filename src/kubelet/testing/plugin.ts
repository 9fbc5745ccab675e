/** A device plugin for tests: a real gRPC server at a socket of its own that registers as real ones do. */
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { messages as registrationMessages } from '../csi/messages.ts';
import { type Allocation, type Device, messages, type PluginOptions } from '../devices/messages.ts';
import { definitionOf, listenAt, unaryHandlers } from '../grpc.ts';

export interface TestPlugin {
  calls: { method: string; request: object }[];
  /** Tells the kubelet of these devices. */
  tell(devices: Device[]): void;
  /** Gone at once, as if killed. */
  stop(): void;
}

export interface TestPluginInput {
  directory: string;
  resource: string;
  devices: Device[];
  version?: string;
  options?: PluginOptions;
  allocate?(ids: string[]): Partial<Allocation>;
  preferred?(available: string[]): string[];
  /** Announces itself there, as drivers do, and waits to be found. */
  announce?: string;
}

export const device = (ID: string, node?: number, health = 'Healthy'): Device => ({
  ID,
  health,
  ...(node === undefined ? {} : { topology: { nodes: [{ ID: node }] } }),
});

/** Resolves when the kubelet has taken the registration; rejects with what it says otherwise. */
export async function startPlugin(input: TestPluginInput): Promise<TestPlugin> {
  const { directory, resource, options = {}, allocate = () => ({}), preferred = () => [] } = input;
  const endpoint = `${resource.replace('/', '-')}-${Math.random().toString(36).slice(2)}.sock`;
  const calls: TestPlugin['calls'] = [];
  const streams = new Set<grpc.ServerWritableStream<object, object>>();
  let { devices } = input;
  const server = new grpc.Server();
  const note =
    <Request extends object>(method: string, answer: (request: Request) => object) =>
    (request: Request): object => {
      calls.push({ method, request });
      return answer(request);
    };
  server.addService(definitionOf(messages, 'v1beta1.DevicePlugin'), {
    ...unaryHandlers({
      GetDevicePluginOptions: () => options,
      Allocate: note('Allocate', ({ containerRequests }: { containerRequests: { devicesIds: string[] }[] }) => ({
        containerResponses: containerRequests.map(({ devicesIds }) => allocate(devicesIds)),
      })),
      GetPreferredAllocation: note('GetPreferredAllocation', ({ containerRequests }: { containerRequests: { availableDeviceIDs: string[] }[] }) => ({
        containerResponses: containerRequests.map(({ availableDeviceIDs }) => ({ deviceIDs: preferred(availableDeviceIDs) })),
      })),
      PreStartContainer: note('PreStartContainer', () => ({})),
    }),
    ListAndWatch: (stream: grpc.ServerWritableStream<object, object>) => {
      streams.add(stream);
      stream.write({ devices });
    },
  });
  if (input.announce) {
    const info = { type: 'DevicePlugin', name: resource, endpoint: join(directory, endpoint), supportedVersions: [input.version ?? 'v1beta1'] };
    const registration = unaryHandlers({ GetInfo: () => info, NotifyRegistrationStatus: note('NotifyRegistrationStatus', () => ({})) });
    server.addService(definitionOf(registrationMessages, 'pluginregistration.Registration'), registration);
    await listenAt(server, input.announce);
  }
  await listenAt(server, join(directory, endpoint));
  const stop = (): void => server.forceShutdown();
  const kubelet = new grpc.Client(`unix://${join(directory, 'kubelet.sock')}`, grpc.credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = definitionOf(messages, 'v1beta1.Registration')['Register'] as grpc.MethodDefinition<object, object>;
  const request = { version: input.version ?? 'v1beta1', endpoint, resourceName: resource, options };
  try {
    if (!input.announce)
      await new Promise<void>((resolve, reject) =>
        kubelet.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error) => (error ? reject(error) : resolve())),
      );
  } catch (error) {
    stop();
    throw error;
  } finally {
    kubelet.close();
  }
  return {
    calls,
    stop,
    tell: (now) => {
      devices = now;
      for (const stream of streams) stream.write({ devices });
    },
  };
}
