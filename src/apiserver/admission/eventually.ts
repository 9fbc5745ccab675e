import { setTimeout as sleep } from 'node:timers/promises';

const interval = 10;

/** Reads again until there is something, or until so many milliseconds have passed. */
export async function eventually<T>(read: () => Promise<T | undefined>, milliseconds: number): Promise<T | undefined> {
  for (let waited = 0; waited < milliseconds; waited += interval) {
    await sleep(interval);
    const value = await read();
    if (value !== undefined) return value;
  }
  return undefined;
}
