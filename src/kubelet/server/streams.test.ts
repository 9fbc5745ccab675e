/** The way from a WebSocket through our SPDY frames to a streaming server, with a server that checks the frames strictly. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { createInflate } from 'node:zlib';
import { WebSocket } from 'ws';
import { dataFrame, type Frame, frameReader, frameTypes } from './spdy/frames.ts';
import type { passThrough } from './upgrade.ts';
import { relayPortForward, relayRemoteCommand } from './websocket.ts';

interface Opened {
  id: number;
  headers: Record<string, string>;
  socket: Duplex;
}

function parseHeaders(block: Buffer): Record<string, string> {
  const headers: Record<string, string> = {};
  let at = 4;
  const next = (): string => {
    const length = block.readUInt32BE(at);
    at += 4 + length;
    return block.subarray(at - length, at).toString();
  };
  for (let left = block.readUInt32BE(0); left > 0; left--) headers[next()] = next();
  assert.equal(at, block.length);
  return headers;
}

/** Answers upgrades to SPDY; `opened` is called for each stream, `data` for what comes on one. */
async function spdyServer(
  opened: (stream: Opened) => void,
  data: (stream: Opened, chunk: Buffer, fin: boolean) => void,
): Promise<{ server: Server; url: string }> {
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    assert.equal(request.headers.upgrade, 'SPDY/3.1');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n');
    const streams = new Map<number, Opened>();
    const inflate = createInflate();
    const handle = async (frame: Frame): Promise<void> => {
      if (!frame.control) {
        const stream = streams.get(frame.streamId);
        assert.ok(stream);
        data(stream, frame.data, (frame.flags & 1) === 1);
        return;
      }
      assert.equal(frame.type, frameTypes.synStream);
      const id = frame.data.readUInt32BE(0);
      inflate.write(frame.data.subarray(10));
      const [block] = (await once(inflate, 'data')) as [Buffer];
      const stream: Opened = { id, headers: parseHeaders(block), socket };
      streams.set(id, stream);
      opened(stream);
    };
    // Headers are inflated in their own time: what follows waits for them.
    let last: Promise<void> = Promise.resolve();
    const read = frameReader((frame) => {
      last = last.then(() => handle(frame));
    });
    if (head.length) read(head);
    socket.on('data', read);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/exec/token` };
}

type Relay = (...args: Parameters<typeof passThrough> extends [infer R, infer S, infer H, ...unknown[]] ? [R, S, H] : never) => Promise<void>;

async function front(relay: Relay): Promise<{ server: Server; port: number }> {
  const server = createServer();
  server.on('upgrade', (request, socket, head) => void relay(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

/** Echoes stdin in upper case on stdout, says something on stderr, and ends with a status. */
function shouting(): Promise<{ server: Server; url: string }> {
  const byType = new Map<string, Opened>();
  const fin = (type: string, text: string): void => {
    const stream = byType.get(type);
    if (stream) stream.socket.write(dataFrame(stream.id, Buffer.from(text), true));
  };
  return spdyServer(
    (stream) => {
      byType.set(stream.headers['streamtype'] ?? '', stream);
    },
    (stream, chunk, last) => {
      assert.equal(stream.headers['streamtype'], 'stdin');
      const out = byType.get('stdout');
      if (chunk.length && out) stream.socket.write(dataFrame(out.id, Buffer.from(chunk.toString().toUpperCase()), false));
      if (!last) return;
      fin('stdout', '');
      fin('stderr', 'done');
      fin('error', '{"metadata":{},"status":"Success"}');
    },
  );
}

async function talk(protocol: string, send: (socket: WebSocket) => void): Promise<Record<number, string>> {
  const back = await shouting();
  const { server, port } = await front((request, socket, head) =>
    relayRemoteCommand(request, socket, head, back.url, { stdin: true, stdout: true, stderr: true, tty: false }),
  );
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, [protocol]);
  const got: Record<number, string> = {};
  client.on('message', (raw: Buffer) => {
    const base64 = protocol.includes('base64');
    const channel = base64 ? Number(raw.subarray(0, 1).toString()) : (raw[0] ?? 0);
    const text = base64 ? Buffer.from(raw.subarray(1).toString(), 'base64').toString() : raw.subarray(1).toString();
    got[channel] = (got[channel] ?? '') + text;
  });
  client.on('open', () => send(client));
  const code = await new Promise<number>((resolve) => client.on('close', resolve));
  assert.equal(code, 1000);
  for (const one of [server, back.server]) {
    one.closeAllConnections();
    one.close();
  }
  return got;
}

test('a command over v5 channels, whose standard input is closed by a message', async () => {
  const got = await talk('v5.channel.k8s.io', (socket) => {
    socket.send(Buffer.from('\0hello '));
    socket.send(Buffer.from('\0world'));
    socket.send(Buffer.from([255, 0]));
  });
  assert.deepEqual(got, { 1: 'HELLO WORLD', 2: 'done', 3: '{"metadata":{},"status":"Success"}' });
});

test('before v4 success is silence', async () => {
  const got = await talk('channel.k8s.io', (socket) => {
    socket.send(Buffer.from('\0x'));
    socket.send(Buffer.from([255, 0]));
  });
  assert.deepEqual(got, { 1: 'X', 2: 'done' });
});

test('base64 channels', async () => {
  const got = await talk('v4.base64.channel.k8s.io', (socket) => {
    socket.send(`0${Buffer.from('x').toString('base64')}`);
    socket.on('message', (raw: Buffer) => {
      if (raw.toString() === `1${Buffer.from('X').toString('base64')}`) socket.close(1000);
    });
  });
  assert.equal(got[1], 'X');
});

test('ports over channels: the number first, then data both ways', async () => {
  const back = await spdyServer(
    (stream) => assert.equal(stream.headers['port'], '8080'),
    (stream, chunk) => {
      if (stream.headers['streamtype'] === 'data' && chunk.length) stream.socket.write(dataFrame(stream.id, chunk, false));
    },
  );
  const { server, port } = await front((request, socket, head) => relayPortForward(request, socket, head, back.url, [8080]));
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, ['v4.channel.k8s.io']);
  const messages: string[] = [];
  client.on('open', () => client.send(Buffer.from('\0ping')));
  await new Promise<void>((resolve) =>
    client.on('message', (raw: Buffer) => {
      messages.push(raw.toString('hex'));
      if (messages.length === 3) resolve();
    }),
  );
  assert.deepEqual(messages, ['00901f', '01901f', `00${Buffer.from('ping').toString('hex')}`]);
  client.terminate();
  for (const one of [server, back.server]) {
    one.closeAllConnections();
    one.close();
  }
});
