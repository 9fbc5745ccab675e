/** The KMS plugin API v2 (names, types and numbers of `v2.KeyManagementService`), spoken over a unix socket, and the form of stored values. */
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

const source = `
syntax = "proto3";
package v2;

service KeyManagementService {
  rpc Status(StatusRequest) returns (StatusResponse);
  rpc Decrypt(DecryptRequest) returns (DecryptResponse);
  rpc Encrypt(EncryptRequest) returns (EncryptResponse);
}
message StatusRequest {}
message StatusResponse { string version = 1; string healthz = 2; string key_id = 3; }
message DecryptRequest { bytes ciphertext = 1; string uid = 2; string key_id = 3; map<string, bytes> annotations = 4; }
message DecryptResponse { bytes plaintext = 1; }
message EncryptRequest { bytes plaintext = 1; string uid = 2; }
message EncryptResponse { bytes ciphertext = 1; string key_id = 2; map<string, bytes> annotations = 3; }

message EncryptedObject {
  bytes encryptedData = 1;
  string keyID = 2;
  bytes encryptedDEKSource = 3;
  map<string, bytes> annotations = 4;
  int32 encryptedDEKSourceType = 5;
}
`;

const { root } = protobuf.parse(source, { keepCase: true });

/** Encoder and decoder of a message of the protocol. */
export interface Codec {
  encode(message: object): Buffer;
  decode(bytes: Uint8Array): Record<string, unknown>;
}

export function codecOf(name: string): Codec {
  const type = root.lookupType(`v2.${name}`);
  return {
    encode: (message) => Buffer.from(type.encode(type.fromObject(message)).finish()),
    decode: (bytes) => type.toObject(type.decode(bytes), { defaults: true }) as Record<string, unknown>,
  };
}

export type Annotations = Record<string, Uint8Array>;

export interface KmsService {
  status(): Promise<{ version: string; healthz: string; key_id: string }>;
  encrypt(request: { plaintext: Uint8Array; uid: string }): Promise<{ ciphertext: Uint8Array; key_id: string; annotations: Annotations }>;
  decrypt(request: { ciphertext: Uint8Array; uid: string; key_id: string; annotations: Annotations }): Promise<{ plaintext: Uint8Array }>;
  close(): void;
}

/** Connects when first asked, and again when the plugin was started anew. @param endpoint `unix:///path/to/socket` */
export function createKmsService(endpoint: string, timeoutMs: number): KmsService {
  const client = new Client(`unix://${endpoint.replace(/^unix:(\/\/)?/, '')}`, credentials.createInsecure(), {
    'grpc.initial_reconnect_backoff_ms': 200,
    'grpc.max_reconnect_backoff_ms': 2_000,
    'grpc.use_local_subchannel_pool': 1,
    // A unix socket has no host to name; a proxy of the environment has no part in it.
    'grpc.default_authority': 'localhost',
    'grpc.enable_http_proxy': 0,
  });
  const method = <Request extends object, Response>(name: string): ((request: Request) => Promise<Response>) => {
    const [request, response] = [codecOf(`${name}Request`), codecOf(`${name}Response`)];
    return (message) =>
      new Promise((resolve, reject) => {
        const path = `/v2.KeyManagementService/${name}`;
        client.makeUnaryRequest(path, request.encode, response.decode, message, new Metadata(), { deadline: Date.now() + timeoutMs }, (error, value) => {
          if (error) reject(error);
          else resolve(value as Response);
        });
      });
  };
  const status = method<object, Awaited<ReturnType<KmsService['status']>>>('Status');
  return {
    status: () => status({}),
    encrypt: method('Encrypt'),
    decrypt: method('Decrypt'),
    close: () => client.close(),
  };
}
