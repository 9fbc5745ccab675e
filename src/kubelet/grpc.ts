/** gRPC services from a description of their messages: for those that this kubelet serves, and those that it calls. */
import * as grpc from '@grpc/grpc-js';
import type protobuf from 'protobufjs';
import { RuntimeError } from './cri/client.ts';

const plain: protobuf.IConversionOptions = { longs: Number, enums: String, defaults: true, arrays: true, objects: true };

/** As grpc-js wants a service described, with plain objects for messages. `service` is its full name. */
export function definitionOf(root: protobuf.Root, service: string): grpc.ServiceDefinition {
  const described = root.lookupService(service);
  const type = (name: string): protobuf.Type => described.parent?.lookup(name) as protobuf.Type;
  const encode =
    (name: string) =>
    (value: object): Buffer =>
      Buffer.from(type(name).encode(type(name).fromObject(value)).finish());
  const decode =
    (name: string) =>
    (bytes: Buffer): object =>
      type(name).toObject(type(name).decode(bytes), plain);
  return Object.fromEntries(
    described.methodsArray.map(({ name, requestType, responseType, responseStream = false }): [string, grpc.MethodDefinition<object, object>] => [
      name,
      {
        path: `/${service}/${name}`,
        requestStream: false,
        responseStream,
        requestSerialize: encode(requestType),
        requestDeserialize: decode(requestType),
        responseSerialize: encode(responseType),
        responseDeserialize: decode(responseType),
      },
    ]),
  );
}

/** Starts serving at a socket of the file system. */
export async function listenAt(server: grpc.Server, socket: string): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix://${socket}`, grpc.ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
  );
}

type Answer = (request: never) => object | Promise<object>;

/** Answers by what functions return; what they throw goes to the caller as `Unknown`, in its own words. */
export function unaryHandlers(answers: Readonly<Record<string, Answer>>): grpc.UntypedServiceImplementation {
  return Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [
      name,
      (call: grpc.ServerUnaryCall<object, object>, done: grpc.sendUnaryData<object>) => {
        Promise.resolve()
          .then(() => answer(call.request as never))
          .then(
            (value) => done(null, value),
            (error: unknown) => done({ code: grpc.status.UNKNOWN, details: error instanceof Error ? error.message : String(error) }),
          );
      },
    ]),
  );
}

/** Calls one method after the other of a service that another process serves. Failures are {@link RuntimeError}s. */
export const callerOf =
  (client: grpc.Client, definition: grpc.ServiceDefinition, defaultMs?: number) =>
  <R>(method: string, request: object, timeoutMs = defaultMs): Promise<R> => {
    const { path, requestSerialize, responseDeserialize } = definition[method] as grpc.MethodDefinition<object, object>;
    const options = timeoutMs ? { deadline: Date.now() + timeoutMs } : {};
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, new grpc.Metadata(), options, (error, value) => {
        if (error) reject(new RuntimeError(method, error.code, error.details));
        else resolve(value as R);
      });
    });
  };
