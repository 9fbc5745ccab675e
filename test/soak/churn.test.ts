/** Ten minutes of churn, from another seed each time, while controllers, scheduler and API server are killed; `KNARR_CHURN_SEED` repeats what failed. */
import { test } from 'node:test';
import { churn, reportOf, seedOf } from '../support/churn/churn.ts';

const seed = seedOf(Date.now() % 2 ** 31);

test(`ten minutes of churn end as if nobody had been killed (seed ${seed})`, { timeout: 1_200_000 }, async (context) => {
  context.diagnostic(reportOf(await churn({ seed, milliseconds: 600_000, namespaces: 4, nodes: 15 })));
});
