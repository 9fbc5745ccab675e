/** A driver of dynamic resources for tests: real gRPC servers at sockets of their own, found as real ones are. */
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { messages as registrationMessages } from '../csi/messages.ts';
import { type ClaimRequest, fullName, messages, type PreparedDevice, type ServiceName } from '../dra/messages.ts';
import { definitionOf, listenAt, unaryHandlers } from '../grpc.ts';

export interface TestDriver {
  /** `v1.DRAPlugin prepare <claims>`, and so on. */
  calls: string[];
  state: {
    /** What it answers instead. */
    error: string;
    /** What the kubelet said to its registration. */
    told?: { pluginRegistered: boolean; error: string };
  };
  stop(): Promise<void>;
}

export interface TestDriverInput {
  name: string;
  /** Where it works, and where it is found. */
  socket: string;
  announce: string;
  supportedVersions?: string[];
  devices: Partial<PreparedDevice>[];
}

export async function startDriver({ name, socket, announce, supportedVersions = ['v1.DRAPlugin'], devices }: TestDriverInput): Promise<TestDriver> {
  const calls: string[] = [];
  const state: TestDriver['state'] = { error: '' };
  const server = new grpc.Server();
  const answer = (call: string, claims: ClaimRequest[], more: object): object => {
    calls.push(`${call} ${claims.map((claim) => claim.name).join()}`);
    return { claims: Object.fromEntries(claims.map(({ uid }) => [uid, { ...more, error: state.error }])) };
  };
  for (const service of supportedVersions.filter((one): one is ServiceName => one.endsWith('.DRAPlugin')))
    server.addService(
      definitionOf(messages, fullName(service)),
      unaryHandlers({
        NodePrepareResources: ({ claims }: { claims: ClaimRequest[] }) => answer(`${service} prepare`, claims, { devices }),
        NodeUnprepareResources: ({ claims }: { claims: ClaimRequest[] }) => answer(`${service} unprepare`, claims, {}),
      }),
    );
  server.addService(
    definitionOf(registrationMessages, 'pluginregistration.Registration'),
    unaryHandlers({
      GetInfo: () => ({ type: 'DRAPlugin', name, endpoint: socket, supportedVersions }),
      NotifyRegistrationStatus: (told: { pluginRegistered: boolean; error: string }) => {
        state.told = told;
        return {};
      },
    }),
  );
  await Promise.all([socket, announce].map((path) => mkdir(dirname(path), { recursive: true })));
  await listenAt(server, socket);
  await listenAt(server, announce);
  return {
    calls,
    state,
    stop: async () => {
      server.forceShutdown();
      await rm(announce, { force: true });
    },
  };
}
