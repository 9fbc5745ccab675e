/** The client's side of a SPDY/3.1 connection: opens streams, each of which can be closed for writing on its own. */
import type { Duplex } from 'node:stream';
import { dataFrame, flagFin, frameReader, frameTypes, ping, synStream } from './frames.ts';

export interface SpdyStream {
  /** False when the connection has enough to send for now; `onDrain` of the connection tells when it has not. */
  write(data: Uint8Array): boolean;
  /** Nothing more will be written. */
  end(): void;
}

export interface StreamHandlers {
  data?(chunk: Buffer): void;
  /** The other side writes no more, or has reset the stream. */
  end?(): void;
}

export interface SpdyConnection {
  /** Headers as `streamType: stdin`. */
  open(headers: Readonly<Record<string, string>>, handlers?: StreamHandlers): SpdyStream;
  onDrain(listener: () => void): void;
  /** Called once, when no more frames will come. */
  onClose(listener: () => void): void;
  pause(): void;
  resume(): void;
  close(): void;
}

/** Larger data is cut, so that streams share the connection. */
const maxFrame = 64 * 1024;

/** `head` is what came after the handshake already. */
export function spdyConnection(socket: Duplex, head: Buffer): SpdyConnection {
  const streams = new Map<number, StreamHandlers>();
  const closeListeners: (() => void)[] = [];
  let nextId = 1;
  let closed = false;

  const finish = (id: number): void => {
    const handlers = streams.get(id);
    streams.delete(id);
    handlers?.end?.();
  };
  const read = frameReader((frame) => {
    if (!frame.control) {
      if (frame.data.length) streams.get(frame.streamId)?.data?.(frame.data);
      if (frame.flags & flagFin) finish(frame.streamId);
    } else if (frame.type === frameTypes.ping) socket.write(ping(frame.data));
    else if (frame.type === frameTypes.rstStream) finish(frame.data.readUInt32BE(0));
    else if (frame.type === frameTypes.synReply && frame.flags & flagFin) finish(frame.data.readUInt32BE(0));
  });
  const end = (): void => {
    if (closed) return;
    closed = true;
    for (const id of [...streams.keys()]) finish(id);
    for (const listener of closeListeners) listener();
  };
  socket.on('data', read);
  socket.on('close', end);
  socket.on('end', end);
  socket.on('error', end);
  if (head.length) read(head);

  return {
    open: (headers, handlers = {}) => {
      const id = nextId;
      nextId += 2;
      streams.set(id, handlers);
      socket.write(synStream(id, headers, id === 1));
      let ended = false;
      return {
        write: (data) => {
          let more = true;
          for (let at = 0; at < data.length && !ended && !closed; at += maxFrame) more = socket.write(dataFrame(id, data.subarray(at, at + maxFrame), false));
          return more;
        },
        end: () => {
          if (!ended && !closed) socket.write(dataFrame(id, Buffer.alloc(0), true));
          ended = true;
        },
      };
    },
    onDrain: (listener) => void socket.on('drain', listener),
    onClose: (listener) => {
      if (closed) listener();
      else closeListeners.push(listener);
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => void socket.destroy(),
  };
}
