/**
 * SPDY/3.1 frames, as much as a client of a container runtime's streaming server needs: it opens streams, sends and
 * receives data, and never looks into headers that it is sent.
 * Source of the rule: SPDY protocol draft 3.1, sections 2.2 and 2.6.
 */

export const flagFin = 0x01;

const version = 3;
export const frameTypes = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 } as const;

export type Frame = { control: false; streamId: number; flags: number; data: Buffer } | { control: true; type: number; flags: number; data: Buffer };

function controlFrame(type: number, flags: number, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8000 | version, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(((flags << 24) | data.length) >>> 0, 4);
  return Buffer.concat([head, data]);
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};

const sized = (text: string): Buffer[] => [uint32(Buffer.byteLength(text)), Buffer.from(text)];

/** A block of deflate that is stored as it is (RFC 1951, section 3.2.4). */
function storedBlock(data: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(data.length, 1);
  head.writeUInt16LE(~data.length & 0xffff, 3);
  return Buffer.concat([head, data]);
}

/**
 * A header block has to be part of one zlib stream per connection, but nothing says that it has to become smaller:
 * stored blocks spare the compressor and its dictionary. The empty block at the end is what a flush looks like.
 */
function headerBlock(headers: Readonly<Record<string, string>>, first: boolean): Buffer {
  const pairs = Object.entries(headers);
  const plain = Buffer.concat([uint32(pairs.length), ...pairs.flatMap(([name, value]) => [...sized(name.toLowerCase()), ...sized(value)])]);
  return Buffer.concat([...(first ? [Buffer.from([0x78, 0x01])] : []), storedBlock(plain), storedBlock(Buffer.alloc(0))]);
}

export const synStream = (streamId: number, headers: Readonly<Record<string, string>>, first: boolean): Buffer =>
  controlFrame(frameTypes.synStream, 0, Buffer.concat([uint32(streamId), uint32(0), Buffer.alloc(2), headerBlock(headers, first)]));

export const rstStream = (streamId: number, status: number): Buffer => controlFrame(frameTypes.rstStream, 0, Buffer.concat([uint32(streamId), uint32(status)]));
export const ping = (data: Buffer): Buffer => controlFrame(frameTypes.ping, 0, data);

export function dataFrame(streamId: number, data: Uint8Array, fin: boolean): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(streamId, 0);
  head.writeUInt32BE((((fin ? flagFin : 0) << 24) | data.length) >>> 0, 4);
  return Buffer.concat([head, data]);
}

/** Cuts a byte stream into frames. */
export function frameReader(onFrame: (frame: Frame) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length ? Buffer.concat([rest, chunk]) : chunk;
    while (rest.length >= 8) {
      const first = rest.readUInt32BE(0);
      const second = rest.readUInt32BE(4);
      const length = second & 0xffffff;
      if (rest.length < 8 + length) return;
      const data = rest.subarray(8, 8 + length);
      const flags = second >>> 24;
      rest = rest.subarray(8 + length);
      if (first >>> 31) onFrame({ control: true, type: first & 0xffff, flags, data });
      else onFrame({ control: false, streamId: first, flags, data });
    }
  };
}
