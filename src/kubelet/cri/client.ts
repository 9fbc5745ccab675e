/**
 * The container runtime interface v1 over gRPC: one method per call of `RuntimeService` and `ImageService`.
 * Source of the rule: KEP-2040; messages as `descriptor.json` has them.
 */
import { readFileSync } from 'node:fs';
import * as grpc from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import type * as cri from './types.gen.ts';

const root = protobuf.Root.fromJSON(JSON.parse(readFileSync(new URL('./descriptor.json', import.meta.url), 'utf8')) as protobuf.INamespace);
root.resolveAll();
const readable: protobuf.IConversionOptions = { longs: Number, enums: String, defaults: true, arrays: true, objects: true };

interface Codec {
  path: string;
  encode(value: object): Buffer;
  decode(bytes: Buffer): object;
}

function codec(service: string, method: string, request: string, response: string): Codec {
  const requestType = root.lookupType(`runtime.v1.${request}`);
  const responseType = root.lookupType(`runtime.v1.${response}`);
  return {
    path: `/runtime.v1.${service}/${method}`,
    encode: (value) => Buffer.from(requestType.encode(requestType.fromObject(value)).finish()),
    decode: (bytes) => responseType.toObject(responseType.decode(bytes), readable),
  };
}

/** A failed call: gRPC's code and the runtime's own words. */
export class RuntimeError extends Error {
  readonly code: number;

  constructor(method: string, code: number, details: string) {
    super(`rpc error: code = ${codeName(code)} desc = ${details}`);
    this.name = 'RuntimeError';
    this.code = code;
    this.method = method;
    this.details = details;
  }

  readonly method: string;
  readonly details: string;
}

const codeNames = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
];
const codeName = (code: number): string => codeNames[code] ?? `Code(${code})`;

export const isRuntimeNotFound = (error: unknown): boolean => error instanceof RuntimeError && error.code === grpc.status.NOT_FOUND;
export const isUnimplemented = (error: unknown): boolean => error instanceof RuntimeError && error.code === grpc.status.UNIMPLEMENTED;
export const isDeadlineExceeded = (error: unknown): boolean => error instanceof RuntimeError && error.code === grpc.status.DEADLINE_EXCEEDED;

export interface CallOptions {
  /** Milliseconds; 0 waits forever. Two minutes by default, as upstream's `--runtime-request-timeout`. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What the kubelet asks of a runtime. Every failure is a {@link RuntimeError}. */
export interface CriClient {
  version(): Promise<cri.VersionResponse>;
  status(): Promise<cri.StatusResponse>;
  runtimeConfig(): Promise<cri.RuntimeConfigResponse>;
  updateRuntimeConfig(config: cri.RuntimeConfig): Promise<void>;
  runPodSandbox(request: cri.RunPodSandboxRequest): Promise<string>;
  stopPodSandbox(id: string): Promise<void>;
  removePodSandbox(id: string): Promise<void>;
  podSandboxStatus(id: string): Promise<cri.PodSandboxStatusResponse>;
  listPodSandbox(filter?: cri.PodSandboxFilter): Promise<cri.PodSandbox[]>;
  createContainer(request: cri.CreateContainerRequest): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** `timeout` in seconds: SIGKILL follows then. */
  stopContainer(id: string, timeout: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  listContainers(filter?: cri.ContainerFilter): Promise<cri.Container[]>;
  containerStatus(id: string): Promise<cri.ContainerStatus>;
  updateContainerResources(id: string, linux: cri.LinuxContainerResources): Promise<void>;
  reopenContainerLog(id: string): Promise<void>;
  /** `Unimplemented` before containerd 2.1. */
  checkpointContainer(request: cri.CheckpointContainerRequest): Promise<void>;
  /** `timeout` in seconds, 0 for none. */
  execSync(id: string, command: string[], timeout: number): Promise<{ stdout: Buffer; stderr: Buffer; exitCode: number }>;
  exec(request: cri.ExecRequest): Promise<string>;
  attach(request: cri.AttachRequest): Promise<string>;
  portForward(sandboxId: string, ports: number[]): Promise<string>;
  listContainerStats(filter?: cri.ContainerStatsFilter): Promise<cri.ContainerStats[]>;
  listPodSandboxStats(filter?: cri.PodSandboxStatsFilter): Promise<cri.PodSandboxStats[]>;
  /** Ends with an error when the stream breaks; `Unimplemented` before containerd 1.7. */
  containerEvents(signal: AbortSignal): AsyncIterable<cri.ContainerEventResponse>;
  listImages(options?: CallOptions): Promise<cri.Image[]>;
  imageStatus(image: cri.ImageSpec): Promise<cri.Image | undefined>;
  pullImage(request: cri.PullImageRequest, options?: CallOptions): Promise<string>;
  removeImage(image: string): Promise<void>;
  imageFsInfo(): Promise<cri.ImageFsInfoResponse>;
  close(): void;
}

/** Is told of every call that has ended. */
export type CallObserver = (method: string, seconds: number, failed: boolean) => void;

/** Connects lazily to `endpoint` (`unix:///run/containerd/containerd.sock`, or a path). */
export function createCriClient(endpoint: string, observe: CallObserver = () => {}): CriClient {
  const target = endpoint.startsWith('/') ? `unix://${endpoint}` : endpoint;
  const channel = new grpc.Client(target, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': 64 << 20,
    'grpc.max_send_message_length': 64 << 20,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
  });
  const codecs = new Map<string, Codec>();
  const codecOf = (service: string, method: string, request = `${method}Request`, response = `${method}Response`): Codec => {
    let found = codecs.get(method);
    if (!found) {
      found = codec(service, method, request, response);
      codecs.set(method, found);
    }
    return found;
  };

  function call<R>(service: string, method: string, request: object, options: CallOptions = {}): Promise<R> {
    const { path, encode, decode } = codecOf(service, method);
    const timeout = options.timeoutMs ?? 120_000;
    const began = performance.now();
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const running = channel.makeUnaryRequest(
      path,
      encode,
      decode,
      request,
      new grpc.Metadata(),
      timeout ? { deadline: Date.now() + timeout } : {},
      (error, value) => {
        options.signal?.removeEventListener('abort', abort);
        observe(method, (performance.now() - began) / 1000, error !== null);
        if (error) reject(new RuntimeError(method, error.code, error.details));
        else resolve(value as R);
      },
    );
    const abort = (): void => running.cancel();
    options.signal?.addEventListener('abort', abort, { once: true });
    return promise;
  }
  const runtime = <R>(method: string, request: object = {}, options?: CallOptions): Promise<R> => call<R>('RuntimeService', method, request, options);
  const image = <R>(method: string, request: object = {}, options?: CallOptions): Promise<R> => call<R>('ImageService', method, request, options);

  async function* containerEvents(signal: AbortSignal): AsyncGenerator<cri.ContainerEventResponse> {
    const { path, encode, decode } = codecOf('RuntimeService', 'GetContainerEvents', 'GetEventsRequest', 'ContainerEventResponse');
    const stream = channel.makeServerStreamRequest(path, encode, decode, {});
    const abort = (): void => stream.cancel();
    signal.addEventListener('abort', abort, { once: true });
    try {
      for await (const event of stream) yield event as cri.ContainerEventResponse;
    } catch (error) {
      const { code, details } = error as grpc.ServiceError;
      throw new RuntimeError('GetContainerEvents', code ?? grpc.status.UNKNOWN, details ?? String(error));
    } finally {
      signal.removeEventListener('abort', abort);
      stream.cancel();
    }
  }

  return {
    version: () => runtime('Version', {}, { timeoutMs: 5_000 }),
    status: () => runtime('Status', {}, { timeoutMs: 10_000 }),
    runtimeConfig: () => runtime('RuntimeConfig', {}, { timeoutMs: 5_000 }),
    updateRuntimeConfig: (runtimeConfig) => runtime('UpdateRuntimeConfig', { runtimeConfig }),
    runPodSandbox: async (request) => (await runtime<cri.RunPodSandboxResponse>('RunPodSandbox', request, { timeoutMs: 240_000 })).podSandboxId ?? '',
    stopPodSandbox: (podSandboxId) => runtime('StopPodSandbox', { podSandboxId }),
    removePodSandbox: (podSandboxId) => runtime('RemovePodSandbox', { podSandboxId }),
    podSandboxStatus: (podSandboxId) => runtime('PodSandboxStatus', { podSandboxId }),
    listPodSandbox: async (filter) => (await runtime<cri.ListPodSandboxResponse>('ListPodSandbox', { filter })).items ?? [],
    createContainer: async (request) => (await runtime<cri.CreateContainerResponse>('CreateContainer', request)).containerId ?? '',
    startContainer: (containerId) => runtime('StartContainer', { containerId }),
    stopContainer: (containerId, timeout) => runtime('StopContainer', { containerId, timeout }, { timeoutMs: timeout * 1000 + 120_000 }),
    removeContainer: (containerId) => runtime('RemoveContainer', { containerId }),
    listContainers: async (filter) => (await runtime<cri.ListContainersResponse>('ListContainers', { filter })).containers ?? [],
    containerStatus: async (containerId) => (await runtime<cri.ContainerStatusResponse>('ContainerStatus', { containerId })).status ?? {},
    updateContainerResources: (containerId, linux) => runtime('UpdateContainerResources', { containerId, linux }),
    reopenContainerLog: (containerId) => runtime('ReopenContainerLog', { containerId }),
    checkpointContainer: (request) => runtime('CheckpointContainer', request, { timeoutMs: Number(request.timeout ?? 0) * 1000 }),
    execSync: async (containerId, cmd, timeout) => {
      const answer = await runtime<cri.ExecSyncResponse>('ExecSync', { containerId, cmd, timeout }, { timeoutMs: timeout ? timeout * 1000 + 120_000 : 0 });
      return { stdout: Buffer.from(answer.stdout ?? []), stderr: Buffer.from(answer.stderr ?? []), exitCode: answer.exitCode ?? 0 };
    },
    exec: async (request) => (await runtime<cri.ExecResponse>('Exec', request)).url ?? '',
    attach: async (request) => (await runtime<cri.AttachResponse>('Attach', request)).url ?? '',
    portForward: async (podSandboxId, port) => (await runtime<cri.PortForwardResponse>('PortForward', { podSandboxId, port })).url ?? '',
    listContainerStats: async (filter) => (await runtime<cri.ListContainerStatsResponse>('ListContainerStats', { filter })).stats ?? [],
    listPodSandboxStats: async (filter) => (await runtime<cri.ListPodSandboxStatsResponse>('ListPodSandboxStats', { filter })).stats ?? [],
    containerEvents,
    listImages: async (options) => (await image<cri.ListImagesResponse>('ListImages', {}, options)).images ?? [],
    imageStatus: async (spec) => (await image<cri.ImageStatusResponse>('ImageStatus', { image: spec })).image ?? undefined,
    pullImage: async (request, options) => (await image<cri.PullImageResponse>('PullImage', request, { timeoutMs: 0, ...options })).imageRef ?? '',
    removeImage: (name) => image('RemoveImage', { image: { image: name } }),
    imageFsInfo: () => image('ImageFsInfo'),
    close: () => channel.close(),
  };
}
