/**
 * New connections, a few a turn: the keys of TLS cost more than most requests, and where many come at once, those who are
 * connected already would wait for them all.
 */
import type { Server, Socket } from 'node:net';

/** A turn of the event loop begins so many. */
const perTurn = 1;
/** More than this do not wait: whoever comes then is told so by the connection's end. */
const mostWaiting = 10_000;

/** Puts itself before the server's own listener for connections. */
export function paceArrivals(server: Server): void {
  const begin = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  let waiting: Socket[] = [];
  let begun = 0;
  const beginOne = (socket: Socket): void => {
    if (!socket.destroyed) for (const listener of begin) listener.call(server, socket);
  };
  const turn = (): void => {
    const next = waiting.slice(0, perTurn);
    waiting = waiting.slice(perTurn);
    begun = next.length;
    for (const socket of next) beginOne(socket);
    if (begun > 0 || waiting.length > 0) setImmediate(turn);
  };
  server.on('connection', (socket: Socket) => {
    if (begun === 0 && waiting.length === 0) {
      begun = 1;
      beginOne(socket);
      setImmediate(turn);
    } else if (waiting.length < mostWaiting) {
      socket.on('error', never);
      waiting.push(socket);
    } else socket.destroy();
  });
}

const never = (): void => {};
