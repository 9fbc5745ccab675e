/** Watches over HTTP/2, read as cheaply as a process can: what a full client would spend on them would be measured instead of the server. */
import { connect, type TLSSocket } from 'node:tls';
import type { Credentials } from './targets.ts';

const types = { data: 0, headers: 1, settings: 4, ping: 6, goaway: 7, windowUpdate: 8 } as const;
const ack = 1;
const endOfHeadersAndStream = 5;
const frameHead = 9;
const newline = 10;
/** `:status: 200` in HPACK's static table. */
const statusOk = 0x88;
const maxWindow = 0x7fffffff;

function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(frameHead);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header as HPACK has it, neither indexed nor compressed. */
function header(name: string, value: string): Buffer {
  const text = (of: string): Buffer => Buffer.concat([Buffer.from(of.length < 127 ? [of.length] : [127, of.length - 127]), Buffer.from(of)]);
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

/** One connection with any number of watches on it. */
export interface WatchConnection {
  /** Asks for one; false when the answer is not 200. */
  watch(path: string): Promise<boolean>;
  close(): void;
}

/** `lines` hears how many lines came. */
export async function watchConnection({ url, ca, cert, key }: Credentials, lines: (count: number) => void): Promise<WatchConnection> {
  const { hostname, port, host } = new URL(url);
  const socket: TLSSocket = connect({ host: hostname, port: Number(port), ca, cert, key, ALPNProtocols: ['h2'] });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  socket.setNoDelay(true);
  const answers = new Map<number, (ok: boolean) => void>();
  let lastStream = -1;
  let head: Buffer = Buffer.alloc(0);
  let left = 0;
  let counting = false;
  /** Frames other than data are small and kept until they are whole. */
  let whole: Buffer[] | undefined;

  function control(bytes: Buffer): void {
    const [type, flags] = [bytes[3], bytes[4] as number];
    const payload = bytes.subarray(frameHead);
    if (type === types.settings && (flags & ack) === 0) socket.write(frame(types.settings, ack, 0));
    else if (type === types.ping && (flags & ack) === 0) socket.write(frame(types.ping, ack, 0, payload));
    else if (type === types.headers) {
      // The table's size may be said first.
      const first = payload.findIndex((byte) => byte >> 5 !== 1);
      const stream = bytes.readUInt32BE(5);
      answers.get(stream)?.(payload[first] === statusOk);
      answers.delete(stream);
    } else if (type === types.goaway) throw new Error('the server ends the connection');
  }

  socket.on('data', (chunk: Buffer) => {
    let at = 0;
    let count = 0;
    while (at < chunk.length) {
      if (left === 0) {
        const taken = chunk.subarray(at, at + frameHead - head.length);
        head = head.length === 0 ? taken : Buffer.concat([head, taken]);
        at += taken.length;
        if (head.length < frameHead) break;
        left = head.readUIntBE(0, 3);
        counting = head[3] === types.data;
        whole = counting ? undefined : [head];
        if (left > 0) head = Buffer.alloc(0);
      }
      const part = chunk.subarray(at, at + left);
      at += part.length;
      left -= part.length;
      if (counting) for (let end = part.indexOf(newline); end >= 0; end = part.indexOf(newline, end + 1)) count++;
      else whole?.push(part);
      if (left === 0) {
        head = Buffer.alloc(0);
        if (whole) control(Buffer.concat(whole));
        whole = undefined;
      }
    }
    if (count > 0) lines(count);
  });

  const settings = Buffer.alloc(6);
  settings.writeUInt16BE(types.settings, 0);
  settings.writeUInt32BE(maxWindow, 2);
  const window = Buffer.alloc(4);
  window.writeUInt32BE(maxWindow - 65_535);
  socket.write(
    Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(types.settings, 0, 0, settings), frame(types.windowUpdate, 0, 0, window)]),
  );
  return {
    watch(path) {
      lastStream += 2;
      const stream = lastStream;
      const answered = new Promise<boolean>((resolve) => answers.set(stream, resolve));
      const headers = [
        header(':method', 'GET'),
        header(':scheme', 'https'),
        header(':authority', host),
        header(':path', path),
        header('accept', 'application/json'),
      ];
      socket.write(frame(types.headers, endOfHeadersAndStream, stream, Buffer.concat(headers)));
      return answered;
    },
    close: () => void socket.destroy(),
  };
}
