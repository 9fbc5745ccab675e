/** Ten minutes of bad input, from another seed each time; `KNARR_FUZZ_SEED` and `KNARR_FUZZ_FROM` repeat what failed. */
import { test } from 'node:test';
import { fuzz, reportOf } from '../support/fuzz/fuzz.ts';

const seed = Number(process.env.KNARR_FUZZ_SEED ?? Date.now() % 2 ** 31);
const from = Number(process.env.KNARR_FUZZ_FROM ?? 0);

test(`ten minutes of bad input leave the server as it was (seed ${seed})`, { timeout: 1_200_000 }, async (context) => {
  const report = await fuzz({ seed, from, milliseconds: 600_000, growth: 192 * 2 ** 20 });
  context.diagnostic(reportOf(report));
});
