/** Long work in short pieces, so that other requests get their turn. */

/** The longest that a piece of work keeps the event loop, in milliseconds. */
const sliceMs = 0.5;

/** How many steps are taken between two looks at the clock. */
const stepsPerLook = 8;

/** Who goes on next; of all long work together, a turn of the event loop does one piece. */
const waiting: (() => void)[] = [];

function next(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(next);
}

/** Resolves when the event loop has looked at everything else, and it is the turn of the long work that waits here. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(next);
  });
}

/** Calls `step` for each item, giving the event loop back now and then. Stops early when `step` gives false. */
export async function inSlices<T>(items: readonly T[], step: (item: T, index: number) => boolean | void): Promise<void> {
  let started = performance.now();
  for (let index = 0; index < items.length; index++) {
    if (step(items[index] as T, index) === false) return;
    if (index % stepsPerLook !== stepsPerLook - 1 || performance.now() - started < sliceMs) continue;
    await nextTurn();
    started = performance.now();
  }
}
