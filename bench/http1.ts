/** HTTP/1.1 by hand, so that the load takes as little as can be of the machine that it shares with what is measured. */
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Credentials } from './targets.ts';

export interface Asked {
  method: string;
  path: string;
  body?: string;
  accept?: string;
  /** The answer may be compressed, as Go's clients ask for it unless they are told not to. */
  gzip?: boolean;
}
/** Gives the answer's code when all of it is there; rejects when the connection ends before. */
export type Ask = (asked: Asked) => Promise<number>;

const lastChunk = Buffer.from('0\r\n\r\n');

async function connect({ url, ca, cert, key }: Credentials): Promise<TLSSocket> {
  const { hostname, port } = new URL(url);
  const socket = connectTls({ host: hostname, port: Number(port), ca, cert, key });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  socket.setNoDelay(true);
  return socket;
}

function textOf({ method, path, body, gzip, accept = 'application/json' }: Asked): string {
  const length = body === undefined ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: ${accept}\r\n${gzip ? 'Accept-Encoding: gzip\r\n' : ''}${length}\r\n${body ?? ''}`;
}

/** One kept-alive connection that sends the next request when the answer is there. Bodies are counted, not kept. */
export async function http1(credentials: Credentials): Promise<{ ask: Ask; socket: TLSSocket }> {
  const socket = await connect(credentials);
  let buffered: Buffer = Buffer.alloc(0);
  let done: ((status: number) => void) | undefined;
  let failed: ((error: Error) => void) | undefined;
  let status = 0;
  let left = -1;
  let chunked = false;
  socket.on('data', (data: Buffer) => {
    buffered = buffered.length === 0 ? data : Buffer.concat([buffered, data]);
    if (left < 0 && !chunked) {
      const head = buffered.indexOf('\r\n\r\n');
      if (head < 0) return;
      const text = buffered.toString('latin1', 0, head);
      status = Number(text.slice(9, 12));
      const length = /\r\ncontent-length: (\d+)/i.exec(text);
      chunked = !length;
      left = length ? Number(length[1]) : -1;
      buffered = buffered.subarray(head + 4);
    }
    if (chunked) {
      if (!buffered.subarray(-lastChunk.length).equals(lastChunk)) {
        // To join what nobody reads to what comes would take longer than the server takes to send it.
        buffered = buffered.subarray(-lastChunk.length);
        return;
      }
    } else {
      left -= buffered.length;
      if (left > 0) {
        buffered = Buffer.alloc(0);
        return;
      }
    }
    buffered = Buffer.alloc(0);
    left = -1;
    chunked = false;
    done?.(status);
  });
  socket.on('close', () => failed?.(new Error('the connection ended')));
  const ask: Ask = (asked) =>
    new Promise((resolve, reject) => {
      done = resolve;
      failed = reject;
      socket.write(textOf(asked));
    });
  return { ask, socket };
}

/** Takes the framing of chunks off what comes behind the head of an answer. */
function unchunked(take: (piece: Buffer) => void, end: () => void): (data: Buffer) => void {
  let head = '';
  let inHead = true;
  let size = '';
  let left = 0;
  return (data) => {
    let at = 0;
    if (inHead) {
      head += data.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      at = data.length - (head.length - end - 4);
      inHead = false;
    }
    while (at < data.length) {
      if (left > 0) {
        const piece = data.subarray(at, at + left);
        take(piece);
        at += piece.length;
        left -= piece.length;
        continue;
      }
      const character = String.fromCharCode(data[at++]!);
      if (character !== '\n') size += character.trim();
      else if (size !== '') {
        left = Number.parseInt(size, 16);
        size = '';
        if (left === 0) return end();
      }
    }
  };
}

/**
 * A watch, line by line, as text that nobody has parsed. Gives what ends it. The server may end it earlier (upstream's does with a watch
 * that is read too slowly for a moment): then it goes on behind the last version seen, as every client's does.
 */
export async function watchLines(credentials: Credentials, path: string, resourceVersion: string, line: (text: string) => void): Promise<() => void> {
  let socket: TLSSocket;
  let ended = false;
  let last = `"resourceVersion":"${resourceVersion}"`;
  const open = async (): Promise<void> => {
    const opened = await connect(credentials);
    if (ended) return void opened.destroy();
    socket = opened;
    let rest: Buffer[] = [];
    const take = (data: Buffer): void => {
      let start = 0;
      for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
        const tail = data.subarray(start, end);
        last = (rest.length > 0 ? Buffer.concat([...rest, tail]) : tail).toString('latin1');
        line(last);
        rest = [];
        start = end + 1;
      }
      if (start < data.length) rest.push(data.subarray(start));
    };
    const decode = unchunked(take, () => opened.destroy());
    opened.on('data', decode);
    opened.on('close', () => ended || void open());
    const version = /"resourceVersion":"(\d+)"/.exec(last)?.[1];
    opened.write(textOf({ method: 'GET', path: `${path}?watch=1&resourceVersion=${version}` }));
    await new Promise((resolve) => opened.once('data', resolve));
  };
  await open();
  return () => {
    ended = true;
    socket.destroy();
  };
}
