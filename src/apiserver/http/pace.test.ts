/** Connections are begun, and long answers sent, a little at a time. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Sharing } from '../flowcontrol/sharing.ts';
import { Arrivals } from './arrivals.ts';
import { type Outlet, PieceSender } from './pieces.ts';

/** Whatever the time: a test must not depend on how long it takes. */
class Shared extends Sharing {
  override isShared(): boolean {
    return true;
  }
}

class Arrived extends EventEmitter {
  destroyed = false;
  readonly name: string;
  readonly remoteAddress: string;

  constructor(name: string, remoteAddress = '') {
    super();
    this.name = name;
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.destroyed = true;
  }
}

function arriving(several: boolean) {
  const begun: string[] = [];
  const arrivals = new Arrivals((socket) => void begun.push((socket as unknown as Arrived).name), several ? new Shared() : new Sharing());
  const take = (...sockets: Arrived[]): void => {
    for (const socket of sockets) arrivals.take(socket as unknown as Socket);
  };
  const until = async (count: number): Promise<void> => {
    while (begun.length < count) await turn();
  };
  return { begun, take, until };
}

test('of connections that come at the same time one is begun at once, and then one after the other', async () => {
  const { begun, take, until } = arriving(false);
  take(new Arrived('1'), new Arrived('2'), new Arrived('3'));
  assert.deepEqual(begun, ['1']);
  await until(3);
  assert.deepEqual(begun, ['1', '2', '3']);
  // Nobody waits any more: the next one is begun at once.
  await turn();
  await turn();
  take(new Arrived('4'));
  assert.deepEqual(begun, ['1', '2', '3', '4']);
});

test('addresses are served in turn, and who has left takes nobody’s', async () => {
  const { begun, take, until } = arriving(true);
  const left = new Arrived('gone', 'a');
  take(new Arrived('a1', 'a'), new Arrived('a2', 'a'), left, new Arrived('a3', 'a'), new Arrived('a4', 'a'), new Arrived('b1', 'b'), new Arrived('c1', 'c'));
  left.destroy();
  // An error of one that waits is nobody's.
  left.emit('error', new Error('reset'));
  await until(6);
  assert.deepEqual(begun, ['a1', 'a2', 'b1', 'c1', 'a3', 'a4']);
});

test('not more than ten thousand connections wait', () => {
  const { take } = arriving(true);
  const sockets = Array.from({ length: 10_010 }, (_, index) => new Arrived(String(index)));
  take(...sockets);
  assert.deepEqual(
    sockets.flatMap(({ name, destroyed }) => (destroyed ? [name] : [])),
    Array.from({ length: 9 }, (_, index) => String(10_001 + index)),
  );
});

/** Takes pieces as slowly as a network may: looks at the bytes only when it hands them on. */
class SlowOutlet implements Outlet {
  closed = false;
  ended = false;
  /** The next of them fails. */
  fails = false;
  readonly sizes: number[] = [];
  size = 0;
  readonly #got: Buffer[] = [];

  write(chunk: Uint8Array, taken: (error?: Error) => void): void {
    this.sizes.push(chunk.byteLength);
    setImmediate(() =>
      setImmediate(() => {
        this.#got.push(Buffer.from(chunk));
        this.size += chunk.byteLength;
        if (!this.fails) return taken();
        this.closed = true;
        taken(new Error('reset'));
      }),
    );
  }

  end(): void {
    this.ended = true;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#got);
  }
}

const sizeOf = (parts: readonly Buffer[]): number => parts.reduce((all, part) => all + part.byteLength, 0);

/** Of sizes that fit a piece, fill it, and are larger. */
const partsOf = (seed: number): Buffer[] =>
  Array.from({ length: 60 }, (_, index) => Buffer.alloc(index % 20 === 19 ? 200_000 : ((index * 7_919 + seed) % 30_000) + 1, `${seed}-${index}`));

test('long answers come whole, though memory is used again, and those of one client wait for each other alone', async () => {
  const sender = new PieceSender(new Shared());
  const answers = [1, 2, 3, 4].map((seed) => ({ parts: partsOf(seed), outlet: new SlowOutlet(), whose: seed < 4 ? 'flood' : 'quiet' }));
  for (const { parts, outlet, whose } of answers) sender.send(parts, whose, outlet);
  const whole = ({ parts, outlet }: (typeof answers)[number]): boolean => outlet.size === sizeOf(parts);
  let firstDone: string | undefined;
  while (!answers.every(whole)) {
    await turn();
    const quiet = answers[3] as (typeof answers)[number];
    if (whole(quiet)) firstDone ??= answers.slice(1, 3).some(whole) ? 'flood' : 'quiet';
  }
  for (const { parts, outlet } of answers) {
    assert.ok(outlet.ended);
    assert.ok(outlet.bytes.equals(Buffer.concat(parts)));
    assert.ok(Math.max(...outlet.sizes) <= 64 * 1024);
  }
  assert.equal(firstDone, 'quiet');
});

test('a connection that breaks ends its answer, and harms no other', async () => {
  const sender = new PieceSender(new Sharing());
  const parts = [...partsOf(7), ...partsOf(8), ...partsOf(9)];
  const [broken, good] = [new SlowOutlet(), new SlowOutlet()];
  broken.fails = true;
  sender.send(parts, 'one', broken);
  sender.send(parts, 'one', good);
  while (good.size < sizeOf(parts)) await turn();
  assert.ok(good.bytes.equals(Buffer.concat(parts)));
  assert.equal(broken.sizes.length, 1);
  assert.ok(Math.max(...good.sizes) > 64 * 1024);
});
