/**
 * New connections, a few at a time: the keys of TLS cost more than most requests, and where many come at once, those who are
 * connected already would wait for them all.
 */
import type { Server, Socket } from 'node:net';
import type { Sharing } from '../flowcontrol/sharing.ts';

/** While somebody else asks, one connection is begun in so many milliseconds: about half of the time that there is. */
const sharedMs = 2;
/** More than this do not wait: whoever comes then is told so by the connection's end. */
const mostWaiting = 10_000;

/** Those who wait to be begun: of each address one after the other, and addresses in turn. */
export class Arrivals {
  readonly #begin: (socket: Socket) => void;
  readonly #sharing: Sharing;
  /** By address; who was served last is last. */
  readonly #waiting = new Map<string, Socket[]>();
  #count = 0;
  /** One was begun lately: the next one waits. */
  #pausing = false;

  constructor(begin: (socket: Socket) => void, sharing: Sharing) {
    this.#begin = begin;
    this.#sharing = sharing;
  }

  take(socket: Socket): void {
    if (!this.#pausing) {
      this.#begin(socket);
      this.#pause();
      return;
    }
    if (this.#count >= mostWaiting) {
      socket.destroy();
      return;
    }
    socket.on('error', never);
    const address = socket.remoteAddress ?? '';
    const line = this.#waiting.get(address);
    if (line) line.push(socket);
    else this.#waiting.set(address, [socket]);
    this.#count++;
  }

  #pause(): void {
    this.#pausing = true;
    if (this.#sharing.isShared(performance.now())) setTimeout(this.#next, sharedMs);
    else setImmediate(this.#next);
  }

  readonly #next = (): void => {
    this.#pausing = false;
    for (const [address, line] of this.#waiting) {
      const socket = line.shift() as Socket;
      this.#count--;
      this.#waiting.delete(address);
      if (line.length > 0) this.#waiting.set(address, line);
      // Who has left meanwhile takes nobody's turn.
      if (socket.destroyed) continue;
      this.#begin(socket);
      this.#pause();
      return;
    }
  };
}

/** Puts itself before the server's own listeners for connections. */
export function paceArrivals(server: Server, sharing: Sharing): void {
  const begin = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  const arrivals = new Arrivals((socket) => {
    for (const listener of begin) listener.call(server, socket);
  }, sharing);
  server.on('connection', (socket: Socket) => arrivals.take(socket));
}

const never = (): void => {};
