/** For tests: one HTTP/2 request frame by frame, as clients send it that make frames as long as the server takes them. */
import { once } from 'node:events';
import { connect } from 'node:tls';

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK's number of seven bits and more. */
function lengthOf(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

const literal = (text: string): Buffer => Buffer.concat([lengthOf(text.length), Buffer.from(text)]);

/** The first frame that answers `GET path` with those headers: its type (1: headers, 3: the stream is reset, 7: the connection ends) and payload. */
export async function rawHttp2(
  port: number,
  ca: string,
  path: string,
  values: readonly string[],
  frameBytes: number,
): Promise<{ type: number; payload: Buffer }> {
  const socket = connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['h2'] });
  await once(socket, 'secureConnect');
  const block = Buffer.concat([
    Buffer.from([0x82, 0x87, 0x04]),
    literal(path),
    Buffer.from([0x01]),
    literal('127.0.0.1'),
    ...values.flatMap((value) => [Buffer.from([0x00]), literal('x-long'), literal(value)]),
  ]);
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, Buffer.alloc(0))]));
  const send = (): void => {
    for (let at = 0; at < block.length; at += frameBytes) {
      const end = at + frameBytes >= block.length;
      socket.write(frame(at === 0 ? 1 : 9, (at === 0 ? 1 : 0) + (end ? 4 : 0), 1, block.subarray(at, at + frameBytes)));
    }
  };
  let got = Buffer.alloc(0);
  try {
    for await (const chunk of socket) {
      got = Buffer.concat([got, chunk as Buffer]);
      while (got.length >= 9 && got.length >= 9 + got.readUIntBE(0, 3)) {
        const length = got.readUIntBE(0, 3);
        const type = got[3] as number;
        if (type === 1 || type === 3 || type === 7) return { type, payload: got.subarray(9, 9 + length) };
        // What the server takes holds from the time at which it is told that this is known.
        if (type === 4 && (got[4] as number) % 2 === 0) {
          socket.write(frame(4, 1, 0, Buffer.alloc(0)));
          send();
        }
        got = got.subarray(9 + length);
      }
    }
  } finally {
    socket.destroy();
  }
  throw new Error('the connection ended without an answer');
}
