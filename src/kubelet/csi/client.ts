/** Calls to a storage driver on this node, over its socket. Source of the rule: CSI v1, "Node Service RPC". */
import * as grpc from '@grpc/grpc-js';
import type protobuf from 'protobufjs';
import { RuntimeError } from '../cri/client.ts';
import { messages } from './messages.ts';

export type AccessMode =
  | 'SINGLE_NODE_WRITER'
  | 'SINGLE_NODE_READER_ONLY'
  | 'MULTI_NODE_READER_ONLY'
  | 'MULTI_NODE_MULTI_WRITER'
  | 'SINGLE_NODE_SINGLE_WRITER'
  | 'SINGLE_NODE_MULTI_WRITER';

export interface VolumeCapability {
  block?: Record<string, never>;
  mount?: { fsType?: string; mountFlags?: string[]; volumeMountGroup?: string };
  accessMode: { mode: AccessMode };
}

export interface StageRequest {
  volumeId: string;
  publishContext: Record<string, string>;
  stagingTargetPath: string;
  volumeCapability: VolumeCapability;
  secrets: Record<string, string>;
  volumeContext: Record<string, string>;
}

export interface PublishRequest extends StageRequest {
  targetPath: string;
  readonly: boolean;
}

export interface CsiClient {
  capabilities(): Promise<Set<string>>;
  info(): Promise<{ nodeId: string; maxVolumesPerNode: number; topology: Record<string, string> }>;
  stage(request: StageRequest): Promise<void>;
  unstage(volumeId: string, stagingTargetPath: string): Promise<void>;
  publish(request: PublishRequest): Promise<void>;
  unpublish(volumeId: string, targetPath: string): Promise<void>;
  close(): void;
}

const callMs = 120_000;

/** One unary call at a time over a channel of its own. */
export function unaryCaller(endpoint: string, service: string): { call<R>(method: string, request?: object): Promise<R>; close(): void } {
  const target = endpoint.startsWith('/') ? `unix://${endpoint}` : endpoint;
  const channel = new grpc.Client(target, grpc.credentials.createInsecure());
  const methods = messages.lookupService(service).methods;
  const type = (name: string): protobuf.Type => messages.lookupType(`${service.slice(0, service.lastIndexOf('.'))}.${name}`);
  return {
    call: <R>(method: string, request: object = {}): Promise<R> => {
      const { requestType = '', responseType = '' } = methods[method] ?? {};
      const encode = (value: object): Buffer => Buffer.from(type(requestType).encode(type(requestType).fromObject(value)).finish());
      const decode = (bytes: Buffer): object =>
        type(responseType).toObject(type(responseType).decode(bytes), { longs: Number, enums: String, defaults: true, arrays: true, objects: true });
      return new Promise((resolve, reject) => {
        channel.makeUnaryRequest(`/${service}/${method}`, encode, decode, request, new grpc.Metadata(), { deadline: Date.now() + callMs }, (error, value) => {
          if (error) reject(new RuntimeError(method, error.code, error.details));
          else resolve(value as R);
        });
      });
    },
    close: () => channel.close(),
  };
}

export function createCsiClient(endpoint: string): CsiClient {
  const { call, close } = unaryCaller(endpoint, 'csi.v1.Node');
  return {
    capabilities: async () => {
      const { capabilities } = await call<{ capabilities: { rpc?: { type: string } }[] }>('NodeGetCapabilities');
      return new Set(capabilities.flatMap(({ rpc }) => rpc?.type ?? []));
    },
    info: async () => {
      const { nodeId, maxVolumesPerNode, accessibleTopology } = await call<{
        nodeId: string;
        maxVolumesPerNode: number;
        accessibleTopology?: { segments: Record<string, string> } | null;
      }>('NodeGetInfo');
      return { nodeId, maxVolumesPerNode, topology: accessibleTopology?.segments ?? {} };
    },
    stage: (request) => call('NodeStageVolume', request),
    unstage: (volumeId, stagingTargetPath) => call('NodeUnstageVolume', { volumeId, stagingTargetPath }),
    publish: (request) => call('NodePublishVolume', request),
    unpublish: (volumeId, targetPath) => call('NodeUnpublishVolume', { volumeId, targetPath }),
    close,
  };
}
