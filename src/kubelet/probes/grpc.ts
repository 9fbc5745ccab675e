/** A call of `grpc.health.v1.Health/Check`: two messages of one field each, so no descriptor is needed. */
import * as grpc from '@grpc/grpc-js';
import { hostPort } from './http.ts';
import type { ProbeOutcome } from './run.ts';

const serving = 1;
const statusNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

/** `HealthCheckRequest { string service = 1 }` */
function encodeRequest(service: string): Buffer {
  const text = Buffer.from(service);
  if (text.length === 0) return Buffer.alloc(0);
  const length: number[] = [];
  for (let rest = text.length; ; rest >>>= 7) {
    if (rest < 0x80) {
      length.push(rest);
      break;
    }
    length.push((rest & 0x7f) | 0x80);
  }
  return Buffer.concat([Buffer.from([0x0a, ...length]), text]);
}

/** `HealthCheckResponse { ServingStatus status = 1 }` */
const decodeResponse = (bytes: Buffer): number => (bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0);

export interface GrpcTarget {
  host: string;
  port: number;
  service: string;
  timeoutMs: number;
}

export function grpcHealth({ host, port, service, timeoutMs }: GrpcTarget): Promise<ProbeOutcome> {
  const address = hostPort({ host, port });
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), { 'grpc.enable_retries': 0 });
  const { promise, resolve } = Promise.withResolvers<ProbeOutcome>();
  const fail = (output: string): void => resolve({ result: 'failure', output });
  const deadline = Date.now() + timeoutMs;
  client.waitForReady(deadline, (unready) => {
    if (unready) return fail(`timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: context deadline exceeded`);
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', encodeRequest, decodeResponse, service, new grpc.Metadata(), { deadline }, (error, status) => {
      if (!error) {
        if (status === serving) resolve({ result: 'success', output: 'service healthy' });
        else fail(`service unhealthy (responded with "${statusNames[status ?? 0] ?? status}")`);
      } else if (error.code === grpc.status.UNIMPLEMENTED)
        fail(`error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${error.details}`);
      else if (error.code === grpc.status.DEADLINE_EXCEEDED) fail(`timeout: health rpc did not complete within ${timeoutMs / 1000}s`);
      else fail(`error: health rpc probe failed: ${error.message}`);
    });
  });
  return promise.finally(() => client.close());
}
