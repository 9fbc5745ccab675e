/** Calls to an etcd cluster over gRPC: several endpoints, TLS. */
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type protobuf from 'protobufjs';
import { etcdMethod, type Method } from './protocol.ts';

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port`, all of one cluster. */
  endpoints: readonly string[];
  /** PEM. */
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
  /** Milliseconds for one call. */
  timeoutMs?: number;
}

export type Message = Record<string, unknown>;

export interface EtcdRpc {
  /** `repeatable`: may be sent to the next endpoint when it is not known whether this one did it. */
  call<R>(method: string, request: Message, repeatable: boolean): Promise<R>;
  /** A stream to one endpoint; each call goes to the next one. */
  stream(method: string): ClientDuplexStream<Message, Message>;
  close(): void;
}

const methods = new Map<string, Method>();
function method(name: string): Method {
  const found = methods.get(name) ?? etcdMethod(name);
  methods.set(name, found);
  return found;
}

const encode = (type: protobuf.Type) => (message: Message) => Buffer.from(type.encode(type.fromObject(message)).finish());
/** Revisions and lease ids as numbers; lease ids are beyond 2^53 and stay strings where a method's response has one (`ID`). */
const decode = (type: protobuf.Type) => (bytes: Buffer) => type.toObject(type.decode(bytes), { longs: String, defaults: false }) as Message;

/** Connects lazily. */
export function createEtcdRpc({ endpoints, ca, cert, key, timeoutMs = 10_000 }: EtcdOptions): EtcdRpc {
  if (endpoints.length === 0) throw new Error('etcd: no endpoints');
  const clients = endpoints.map((endpoint) => {
    const { protocol, host } = new URL(endpoint);
    const secure = protocol === 'https:';
    return new Client(host, secure ? credentials.createSsl(ca ?? null, key ?? null, cert ?? null) : credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      // Each store has its own connections, so that closing one does not depend on another.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': 5_000,
    });
  });
  let current = 0;

  function once<R>(client: Client, { path, request, response }: Method, message: Message): Promise<R> {
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, encode(request), decode(response), message, new Metadata(), { deadline: Date.now() + timeoutMs }, (error, value) => {
        if (error) reject(error);
        else resolve(value as R);
      });
    });
  }

  return {
    async call<R>(name: string, message: Message, repeatable: boolean): Promise<R> {
      for (let tried = 1; ; tried++) {
        const used = current;
        try {
          return await once<R>(clients[used]!, method(name), message);
        } catch (error) {
          if (!isUnavailable(error)) throw error;
          if (current === used) current = (used + 1) % clients.length;
          const unsent = /No connection established/i.test(error.details);
          if (tried >= clients.length || !(repeatable || unsent)) throw error;
        }
      }
    },
    stream(name) {
      const { path, request, response } = method(name);
      const client = clients[current]!;
      return client.makeBidiStreamRequest(path, encode(request), decode(response), new Metadata());
    },
    close() {
      for (const client of clients) client.close();
    },
  };

  function isUnavailable(error: unknown): error is ServiceError {
    return error instanceof Error && 'code' in error && error.code === status.UNAVAILABLE;
  }
}
