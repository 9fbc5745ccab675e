/** Half a minute of bad input from one seed; `KNARR_FUZZ_SEED` and `KNARR_FUZZ_FROM` repeat what failed. The soak run takes ten minutes. */
import { test } from 'node:test';
import { fuzz, reportOf } from '../support/fuzz/fuzz.ts';

const seed = Number(process.env.KNARR_FUZZ_SEED ?? 20261123);
const from = Number(process.env.KNARR_FUZZ_FROM ?? 0);

test(`half a minute of bad input leaves the server as it was (seed ${seed})`, { timeout: 300_000 }, async (context) => {
  const report = await fuzz({ seed, from, milliseconds: 30_000, growth: 128 * 2 ** 20 });
  context.diagnostic(reportOf(report));
});
