/** A KMS plugin on a unix socket that keeps its keys in memory. Only for tests. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { type handleUnaryCall, type MethodDefinition, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { codecOf } from '../kmsprotocol.ts';

export interface KmsPlugin {
  endpoint: string;
  /** How often each method was called. */
  calls: Record<'Status' | 'Encrypt' | 'Decrypt', number>;
  /** Encrypts with a new key from now on; older ones still decrypt. */
  rotate(keyId: string): void;
  stop(): Promise<void>;
}

type Message = Record<string, unknown>;

export async function startKmsPlugin(socket: string, firstKey = 'key-1'): Promise<KmsPlugin> {
  const keys = new Map<string, Buffer>([[firstKey, randomBytes(32)]]);
  let current = firstKey;
  const calls = { Status: 0, Encrypt: 0, Decrypt: 0 };

  const methods: Record<keyof typeof calls, (request: Message) => Message> = {
    Status: () => ({ version: 'v2', healthz: 'ok', key_id: current }),
    Encrypt({ plaintext }) {
      const vector = randomBytes(16);
      const cipher = createCipheriv('aes-256-cbc', keys.get(current)!, vector);
      const ciphertext = Buffer.concat([vector, cipher.update(plaintext as Uint8Array), cipher.final()]);
      return { ciphertext, key_id: current, annotations: { 'kms.example.com/made-by': Buffer.from('test') } };
    },
    Decrypt({ ciphertext, key_id, annotations }) {
      if (Buffer.from((annotations as Record<string, Uint8Array>)['kms.example.com/made-by'] ?? []).toString() !== 'test')
        throw new Error('annotations are missing');
      const bytes = ciphertext as Uint8Array;
      const decipher = createDecipheriv('aes-256-cbc', keys.get(key_id as string)!, bytes.subarray(0, 16));
      return { plaintext: Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]) };
    },
  };

  const server = new Server();
  const definition: Record<string, MethodDefinition<Message, Message>> = {};
  const implementation: Record<string, handleUnaryCall<Message, Message>> = {};
  for (const name of Object.keys(methods) as (keyof typeof calls)[]) {
    const [request, response] = [codecOf(`${name}Request`), codecOf(`${name}Response`)];
    definition[name] = {
      path: `/v2.KeyManagementService/${name}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: request.encode,
      requestDeserialize: request.decode,
      responseSerialize: response.encode,
      responseDeserialize: response.decode,
    };
    implementation[name] = (call, callback) => {
      calls[name]++;
      try {
        callback(null, methods[name](call.request));
      } catch (error) {
        callback({ code: status.INTERNAL, details: (error as Error).message });
      }
    };
  }
  server.addService(definition, implementation);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix://${socket}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
  });
  return {
    endpoint: `unix://${socket}`,
    calls,
    rotate(keyId) {
      keys.set(keyId, randomBytes(32));
      current = keyId;
    },
    async stop() {
      server.forceShutdown();
      await rm(socket, { force: true });
    },
  };
}
