/**
 * Streams over WebSocket for callers that do not speak SPDY: each message begins with the number of its channel.
 * Relayed to the runtime's SPDY streams. Source of the rule: `channel.k8s.io` v1 to v5 (KEP-4006), SPDY tunnels for ports.
 */
import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type SpdyConnection, type SpdyStream, spdyConnection } from './spdy/connection.ts';
import { dialSpdy, join } from './upgrade.ts';

const remoteProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'base64.channel.k8s.io',
  'channel.k8s.io',
];
const portProtocols = ['SPDY/3.1+portforward.k8s.io', 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io'];

/** v5: the first byte of a message that ends a channel. */
const closeChannel = 255;
const highWater = 1024 * 1024;

const channelNames = ['stdin', 'stdout', 'stderr', 'error', 'resize'] as const;

function accept(request: IncomingMessage, socket: Duplex, head: Buffer, protocols: readonly string[]): Promise<WebSocket> {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 32 * 1024 * 1024,
    handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
  });
  return new Promise((resolve) => server.handleUpgrade(request, socket, head, resolve));
}

interface Channels {
  send(channel: number, data: Buffer): void;
  onMessage(listener: (channel: number, data: Buffer) => void): void;
}

/** Messages with channel numbers: a byte in front, or a digit in front of base64 text. */
function channelsOf(socket: WebSocket, onFull: () => void, onEmpty: () => void): Channels {
  const base64 = socket.protocol.includes('base64');
  let full = false;
  const sent = (): void => {
    if (!full || socket.bufferedAmount > highWater / 2) return;
    full = false;
    onEmpty();
  };
  return {
    send: (channel, data) => {
      if (socket.readyState !== socket.OPEN) return;
      if (base64) socket.send(`${channel}${data.toString('base64')}`, sent);
      else socket.send(Buffer.concat([Buffer.from([channel]), data]), { binary: true }, sent);
      if (!full && socket.bufferedAmount > highWater) {
        full = true;
        onFull();
      }
    },
    onMessage: (listener) => {
      socket.on('message', (raw: Buffer | ArrayBuffer | Buffer[]) => {
        const message = Array.isArray(raw) ? Buffer.concat(raw) : Buffer.from(raw as Buffer);
        if (message.length === 0) return;
        if (base64) listener((message[0] ?? 48) - 48, Buffer.from(message.subarray(1).toString(), 'base64'));
        else listener(message[0] ?? 0, message.subarray(1));
      });
    },
  };
}

/** Slows the one side down while the other has too much to send. */
function tie(socket: WebSocket, spdy: SpdyConnection): { channels: Channels; write(stream: SpdyStream, data: Buffer): void } {
  spdy.onDrain(() => socket.resume());
  return {
    channels: channelsOf(
      socket,
      () => spdy.pause(),
      () => spdy.resume(),
    ),
    write: (stream, data) => {
      if (!stream.write(data)) socket.pause();
    },
  };
}

export interface RemoteStreams {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/** exec and attach. */
export async function relayRemoteCommand(request: IncomingMessage, rawSocket: Duplex, head: Buffer, url: string, wanted: RemoteStreams): Promise<void> {
  const { response: _, ...upstream } = await dialSpdy(url, ['v4.channel.k8s.io']);
  const socket = await accept(request, rawSocket, head, remoteProtocols);
  const spdy = spdyConnection(upstream.socket, upstream.head);
  const { channels, write } = tie(socket, spdy);
  const streams = new Map<number, SpdyStream>();
  let open = 0;
  const done = (): void => {
    if (--open === 0) socket.close(1000);
  };
  /** Before v4 a failure is its message alone, and success is silence. */
  const plainStatus = (): void => {
    open++;
    const chunks: Buffer[] = [];
    const end = (): void => {
      const message = failureMessage(Buffer.concat(chunks).toString());
      if (message) channels.send(3, Buffer.from(message));
      done();
    };
    streams.set(3, spdy.open({ streamType: 'error' }, { data: (chunk) => void chunks.push(chunk), end }));
  };
  const output = (channel: number): void => {
    open++;
    streams.set(channel, spdy.open({ streamType: channelNames[channel] ?? '' }, { data: (chunk) => channels.send(channel, chunk), end: done }));
  };
  if (/^v[45]\./.test(socket.protocol)) output(3);
  else plainStatus();
  if (wanted.stdin) streams.set(0, spdy.open({ streamType: 'stdin' }));
  if (wanted.stdout) output(1);
  if (wanted.stderr && !wanted.tty) output(2);
  if (wanted.tty) streams.set(4, spdy.open({ streamType: 'resize' }));
  // Tells the caller that the connection stands.
  channels.send(wanted.stdout ? 1 : wanted.stderr && !wanted.tty ? 2 : 3, Buffer.alloc(0));
  channels.onMessage((channel, data) => {
    if (channel === closeChannel) return streams.get(data[0] ?? -1)?.end();
    const stream = channel === 0 || channel === 4 ? streams.get(channel) : undefined;
    if (stream) write(stream, data);
  });
  socket.on('close', () => spdy.close());
  socket.on('error', () => spdy.close());
  spdy.onClose(() => socket.close(1000));
}

function failureMessage(text: string): string {
  try {
    const { status, message = '' } = JSON.parse(text) as { status?: string; message?: string };
    return status === 'Success' ? '' : message;
  } catch {
    return text;
  }
}

/** A SPDY connection in binary messages, or two channels per port of the query. */
export async function relayPortForward(request: IncomingMessage, rawSocket: Duplex, head: Buffer, url: string, ports: readonly number[]): Promise<void> {
  const upstream = await dialSpdy(url, ['portforward.k8s.io']);
  const socket = await accept(request, rawSocket, head, portProtocols);
  if (socket.protocol.startsWith('SPDY/3.1')) {
    const tunnel = messagesAsStream(socket);
    if (upstream.head.length) tunnel.write(upstream.head);
    join(tunnel, upstream.socket);
    return;
  }
  const spdy = spdyConnection(upstream.socket, upstream.head);
  const { channels, write } = tie(socket, spdy);
  const data: SpdyStream[] = [];
  for (const [index, port] of ports.entries()) {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    channels.send(index * 2, number);
    channels.send(index * 2 + 1, number);
    const headers = { port: String(port), requestID: String(index) };
    spdy.open({ ...headers, streamType: 'error' }, { data: (chunk) => channels.send(index * 2 + 1, chunk) }).end();
    data[index] = spdy.open({ ...headers, streamType: 'data' }, { data: (chunk) => channels.send(index * 2, chunk) });
  }
  channels.onMessage((channel, chunk) => {
    const stream = channel % 2 === 0 ? data[channel / 2] : undefined;
    if (stream) write(stream, chunk);
  });
  socket.on('close', () => spdy.close());
  socket.on('error', () => spdy.close());
  spdy.onClose(() => socket.close(1000));
}

function messagesAsStream(socket: WebSocket): Duplex {
  const stream = new Duplex({
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, done) => socket.send(chunk, { binary: true }, (error) => done(error)),
    final: (done) => {
      socket.close(1000);
      done();
    },
    destroy: (error, done) => {
      socket.close(1000);
      done(error);
    },
  });
  socket.on('message', (raw: Buffer) => {
    if (!stream.push(Buffer.from(raw))) socket.pause();
  });
  socket.on('close', () => stream.push(null));
  socket.on('error', (error) => stream.destroy(error));
  return stream;
}
