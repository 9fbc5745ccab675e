import type { Duplex } from 'node:stream';
import { plainHttp } from '../../client/plainhttp.ts';
import type { Reply } from '../exchange.ts';

/** Answers an upgrade with an ordinary response: the request failed, or its handler has no use for the connection. */
export function rejectUpgrade(socket: Duplex, reply: Reply): void {
  if (socket.destroyed) return;
  const parts = reply.body === undefined ? [] : reply.body instanceof Uint8Array ? [reply.body] : reply.body;
  const body = Buffer.concat(parts);
  const lines = [`HTTP/1.1 ${reply.status} ${plainHttp().STATUS_CODES[reply.status] ?? ''}`];
  for (const [name, value] of Object.entries({ ...reply.headers, 'content-length': body.length, connection: 'close' })) {
    for (const one of Array.isArray(value) ? value : [value]) lines.push(`${name}: ${one}`);
  }
  socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]));
}
