/** The sockets of cluster DNS: answers over UDP and TCP on one address and port. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { createServer, type Server, type Socket as TcpSocket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, type DecodedPacket, decode, encode, type Packet } from 'dns-packet';
import type { Logger } from 'pino';
import { encodeDatagram, resolve, serverFailure } from './answer.ts';
import { forward, framed, type Resolver } from './forward.ts';
import type { ClusterView } from './view.ts';

export interface DnsOptions {
  /** Absent for a forwarder that knows no cluster. */
  view?: ClusterView;
  /** `cluster.local` */
  domain: string;
  address: string;
  port: number;
  /** Asked for names outside of the cluster, in order. Read for every such name. */
  resolvers(): readonly Resolver[];
  log: Logger;
}

export interface DnsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Idle connections end after this many milliseconds (RFC 7766, section 6.2.3). */
const idleMs = 10_000;

/** How long a query waits for the first listing; resolvers ask again, or elsewhere, after five seconds. */
const patienceMs = 5_000;
/** Those that have been listed. */
const complete = new WeakSet<ClusterView>();

/** Resolves when both sockets are open. What is asked before `view` is complete is answered as soon as it is. */
export async function startDns(options: DnsOptions): Promise<DnsServer> {
  const udp = createSocket(options.address.includes(':') ? 'udp6' : 'udp4');
  const connections = new Set<TcpSocket>();
  const tcp = createServer((socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    serveConnection(socket, options);
  });
  udp.on('message', (message, from) => void serveDatagram(udp, message, from, options));
  const port = await bind(udp, tcp, options);
  for (const socket of [udp, tcp]) socket.on('error', (error: Error) => options.log.error({ err: error }, 'cluster DNS socket failed'));
  return {
    port,
    async close() {
      for (const connection of connections) connection.destroy();
      await Promise.all([new Promise<void>((done) => udp.close(done)), new Promise((done) => tcp.close(done))]);
    },
  };
}

async function bind(udp: Socket, tcp: Server, { address, port }: DnsOptions): Promise<number> {
  await new Promise<void>((done, fail) => {
    udp.once('error', fail);
    udp.bind(port, address, () => {
      udp.removeListener('error', fail);
      done();
    });
  });
  const bound = udp.address().port;
  try {
    await new Promise<void>((done, fail) => {
      tcp.once('error', fail);
      tcp.listen(bound, address, () => {
        tcp.removeListener('error', fail);
        done();
      });
    });
  } catch (error) {
    udp.close();
    throw error;
  }
  return bound;
}

async function serveDatagram(socket: Socket, message: Buffer, from: RemoteInfo, options: DnsOptions): Promise<void> {
  const query = parse(message);
  if (!query) return;
  const response = await answer(message, query, options, 'udp');
  const bytes = Buffer.isBuffer(response) ? response : encodeDatagram(response, query);
  socket.send(bytes, from.port, from.address, (error) => {
    if (error) options.log.debug({ err: error }, 'a DNS answer could not be sent');
  });
}

function serveConnection(socket: TcpSocket, options: DnsOptions): void {
  let received = Buffer.alloc(0);
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const message = Buffer.from(received.subarray(2, end));
      received = received.subarray(end);
      const query = parse(message);
      if (!query) return socket.destroy();
      void answer(message, query, options, 'tcp').then((response) => {
        if (socket.writable) socket.write(framed(Buffer.isBuffer(response) ? response : encode(response)));
      });
    }
  });
}

/** Undefined for what is no query; answering a response could make two servers talk forever. */
function parse(message: Buffer): DecodedPacket | undefined {
  try {
    const packet = decode(message);
    return packet.type === 'query' ? packet : undefined;
  } catch {
    return undefined;
  }
}

async function answer(message: Buffer, query: DecodedPacket, options: DnsOptions, transport: 'udp' | 'tcp'): Promise<Packet | Buffer> {
  const { view, domain, resolvers, log } = options;
  try {
    if (view) await known(view);
    const outcome = view ? resolve(view, domain, query) : { kind: 'forward' as const };
    if (outcome.kind === 'answer') return outcome.response;
    if (outcome.kind === 'forward') return await forward(message, resolvers(), transport);
    return await withTarget(outcome.response, outcome.target, query, options);
  } catch (error) {
    log.debug({ err: error, name: query.questions?.[0]?.name }, 'no answer to a DNS query');
    return serverFailure(query);
  }
}

/** What is asked while the cluster is still being listed waits a little, as long as its client does; throws when that does not help. */
async function known(view: ClusterView): Promise<void> {
  if (complete.has(view)) return;
  const patience = new AbortController();
  try {
    await Promise.race([
      view.synced,
      sleep(patienceMs, undefined, { signal: patience.signal, ref: false }).then(() => {
        throw new Error('the cluster could not be listed yet');
      }),
    ]);
    complete.add(view);
  } finally {
    patience.abort();
  }
}

/** The alias alone when the target can't be looked up: the client may still want to know it. */
async function withTarget(response: Packet, target: string, query: DecodedPacket, { resolvers, log }: DnsOptions): Promise<Packet> {
  const type = query.questions?.[0]?.type ?? 'A';
  try {
    const found = decode(await forward(encode({ type: 'query', id: query.id, flags: query.flags, questions: [{ type, name: target }] }), resolvers(), 'udp'));
    return { ...response, answers: [...(response.answers ?? []), ...(found.answers ?? []).filter((one: Answer) => one.type !== 'OPT')] };
  } catch (error) {
    log.debug({ err: error, target }, 'the target of an ExternalName could not be looked up');
    return response;
  }
}
