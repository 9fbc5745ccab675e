/** Ten minutes of pods that come and go, from another seed each time, while agent and containerd are killed; `KNARR_CHURN_SEED` repeats what failed. */
import { test } from 'node:test';
import { seedOf } from '../support/churn/churn.ts';
import { churnNode, reportOf } from '../support/nodechurn/churn.ts';

const seed = seedOf(Date.now() % 2 ** 31);

test(`ten minutes of killing agent and containerd leave what should run, and nothing else (seed ${seed})`, { timeout: 1_200_000 }, async (context) => {
  context.diagnostic(reportOf(await churnNode({ seed, milliseconds: 600_000, pods: 30 })));
});
