/** Run as a process by crash tests: writes into the store of a directory and prints each key once it is acknowledged, until it is killed. */
import { openLmdbStore } from '../lmdb.ts';

const [directory, writers] = [process.argv[2]!, Number(process.argv[3])];
const store = await openLmdbStore(directory);
console.log('ready');

async function write(writer: number): Promise<void> {
  for (let count = 0; ; count++) {
    const key = `/w${writer}/${count}`;
    const created = await store.create(key, Buffer.from(`${key}:${'x'.repeat(500)}`));
    if (count % 3 === 0) {
      const updated = await store.update(key, Buffer.from(`${key}:2`), created);
      if (count % 2 === 0) {
        await store.delete(key, updated);
        process.stdout.write(`deleted ${key}\n`);
        continue;
      }
    }
    process.stdout.write(`${count % 3 === 0 ? 'updated' : 'created'} ${key}\n`);
  }
}

// Without writers it only holds the directory.
if (writers === 0) setInterval(() => {}, 1_000);
await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
