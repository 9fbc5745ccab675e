/** The one way by which the server reaches nodes, pods and services: a connection, however it is made. */
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { connect as connectTls } from 'node:tls';
import { StatusError } from '../../../apimachinery/errors.ts';

export interface DialTarget {
  host: string;
  port: number;
  /** The node that the address is on, where it is known: it may be reached through a tunnel. */
  node?: string;
}

/** A connection that stands. Rejects with Node's own error. */
export type Dial = (target: DialTarget) => Promise<Duplex>;

const connectTimeoutMs = 10_000;

export const dialDirectly: Dial = ({ host, port }) =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    const timer = setTimeout(() => socket.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)), connectTimeoutMs);
    socket.once('error', reject);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('close', () => clearTimeout(timer));
  });

/** The same with TLS on top. */
export async function dialTls(dial: Dial, target: DialTarget, tls: ConnectionOptions): Promise<Duplex> {
  const socket = await dial(target);
  return new Promise((resolve, reject) => {
    const secure = connectTls({ ALPNProtocols: ['http/1.1'], ...tls, socket });
    secure.once('error', reject);
    secure.once('secureConnect', () => {
      secure.off('error', reject);
      resolve(secure);
    });
  });
}

/** The other side can't be reached: what a client of the proxy gets. */
export const unreachable = (error: unknown, target: DialTarget): StatusError => {
  const message = error instanceof Error ? error.message : String(error);
  return new StatusError(503, 'ServiceUnavailable', `error trying to reach service: dial tcp ${target.host}:${target.port}: ${message}`, undefined, {
    cause: error,
  });
};
