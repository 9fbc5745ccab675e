/** Answers that nobody reads: they hold memory, and are let go after a while. */
import type { Writable } from 'node:stream';

/** What is smaller fits the buffers of the connection, in bytes. */
export const largeBytes = 1024 * 1024;

/** A client must have taken an answer after this time, in milliseconds, as upstream's request timeout has it. */
const takenMs = 60_000;

/** Calls `giveUp` when the answer has not been taken in time. */
export function mustBeTaken(stream: Writable, giveUp: () => void, ms = takenMs): void {
  const timer = setTimeout(giveUp, ms);
  timer.unref();
  const done = (): void => clearTimeout(timer);
  stream.once('close', done);
  stream.once('finish', done);
}
