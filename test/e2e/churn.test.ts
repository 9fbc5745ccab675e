/** Half a minute of pods that come and go, from one seed, while agent and containerd are killed; `KNARR_CHURN_SEED` repeats it or takes another. The soak run takes ten minutes. */
import { test } from 'node:test';
import { seedOf } from '../support/churn/churn.ts';
import { churnNode, reportOf } from '../support/nodechurn/churn.ts';

const seed = seedOf(20261123);

test(`half a minute of killing agent and containerd leaves what should run, and nothing else (seed ${seed})`, { timeout: 600_000 }, async (context) => {
  context.diagnostic(reportOf(await churnNode({ seed, milliseconds: 30_000, pods: 12 })));
});
