/** Half a minute of churn from one seed, while controllers, scheduler and API server are killed; `KNARR_CHURN_SEED` repeats it or takes another. The soak run takes ten minutes. */
import { test } from 'node:test';
import { churn, reportOf, seedOf } from '../support/churn/churn.ts';

const seed = seedOf(20261123);

test(`half a minute of churn ends as if nobody had been killed (seed ${seed})`, { timeout: 420_000 }, async (context) => {
  context.diagnostic(reportOf(await churn({ seed, milliseconds: 30_000, namespaces: 3, nodes: 12 })));
});
