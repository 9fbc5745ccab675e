/** Asks other resolvers, with the client's own packet: whatever it says (flags, EDNS, types unknown to us) goes through unchanged. */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';

export interface Resolver {
  address: string;
  /** 53 unless it says otherwise. */
  port?: number;
}

/** After this many milliseconds the next resolver is asked. */
const patienceMs = 2_000;

/** The first answer that comes; rejects when none of them answers. */
export async function forward(query: Buffer, resolvers: readonly Resolver[], transport: 'udp' | 'tcp'): Promise<Buffer> {
  let last: Error = new Error('there is no resolver for names outside of the cluster');
  for (const resolver of resolvers) {
    try {
      return await (transport === 'udp' ? overUdp(query, resolver) : overTcp(query, resolver));
    } catch (error) {
      last = error as Error;
    }
  }
  throw last;
}

function overUdp(query: Buffer, { address, port = 53 }: Resolver): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const id = randomInt(65_536);
    const finish = (error: Error | undefined, answer?: Buffer): void => {
      clearTimeout(timer);
      socket.close();
      if (answer) resolve(answer);
      else reject(error);
    };
    const timer = setTimeout(() => finish(new Error(`${address} does not answer`)), patienceMs);
    socket.once('error', finish);
    socket.on('message', (answer) => {
      if (answer.length < 12 || answer.readUInt16BE(0) !== id) return;
      answer.writeUInt16BE(query.readUInt16BE(0), 0);
      finish(undefined, answer);
    });
    socket.connect(port, address, () => {
      const packet = Buffer.from(query);
      packet.writeUInt16BE(id, 0);
      socket.send(packet);
    });
  });
}

function overTcp(query: Buffer, { address, port = 53 }: Resolver): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, timeout: patienceMs });
    let received = Buffer.alloc(0);
    socket.once('connect', () => socket.end(framed(query)));
    socket.once('timeout', () => socket.destroy(new Error(`${address} does not answer`)));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`${address} ended the connection`)));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      resolve(received.subarray(2, 2 + received.readUInt16BE(0)));
      socket.destroy();
    });
  });
}

/** A message over TCP has its length in front (RFC 1035, section 4.2.2). */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** `nameserver` lines of a resolv.conf. */
export const nameserversOf = (resolvConf: string): string[] =>
  resolvConf.split('\n').flatMap((line) => {
    const address = /^\s*nameserver\s+(\S+)/.exec(line)?.[1];
    return address ? [address.replace(/%.*$/, '')] : [];
  });
