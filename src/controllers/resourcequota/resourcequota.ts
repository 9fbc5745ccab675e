/** `resourcequota-controller`: adds up what a namespace uses. Admission adds what is created; this takes away what is gone. */
import { customresourcedefinitions } from '../../api/apiextensions/v1/customresourcedefinition.ts';
import { difference, only, sameAmounts } from '../../api/core/v1/quota/amounts.ts';
import { listOf, quantitiesOf, quotaApplies, sum } from '../../api/core/v1/quota/quota.ts';
import { resourcequotas } from '../../api/core/v1/resourcequota.ts';
import type { ResourceQuota } from '../../api/core/v1/types.gen.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { defineController } from '../controller.ts';
import { createWatchedKinds } from './watched.ts';

const discovery = 'discovery';
const rediscoverMs = 30_000;
const resyncMs = 5 * 60_000;
/** What admission noted for an object that was then not written is taken back when it has noted nothing for so long. */
const settleMs = 5_000;
/** Changes of a namespace are added up together. */
const batchMs = 250;

type Amounts = ReturnType<typeof quantitiesOf>;

export const resourceQuotaController = defineController({
  name: 'resourcequota-controller',
  setup(context, enqueue) {
    const { client, informers, now } = context;
    const quotas = informers.informer(resourcequotas);
    const quotaClient = client.resource(resourcequotas);
    /** When, by a clock that never jumps, a quota may be told next that less is used; absent means now. */
    const exactAfter = new Map<string, number>();
    /** When what admission noted will have been written, if it ever is. */
    const settledAfter = new Map<string, number>();
    quotas.addHandlers({
      added: (quota) => anew(keyOf(quota)),
      updated(quota, old) {
        if (!sameAmounts(quantitiesOf(quota.spec.hard), quantitiesOf(old.spec.hard))) anew(keyOf(quota));
        // No reason to count now: the object that admission notes in the status is not written yet.
        else if (!sameAmounts(quantitiesOf(quota.status?.used), quantitiesOf(old.status?.used))) {
          settledAfter.set(keyOf(quota), performance.now() + settleMs);
          enqueue.after(keyOf(quota), settleMs);
        }
      },
      deleted(quota) {
        exactAfter.delete(keyOf(quota));
        settledAfter.delete(keyOf(quota));
      },
    });
    const anew = (key: string): void => {
      exactAfter.delete(key);
      enqueue(key);
    };
    const kinds = createWatchedKinds(context, ({ metadata }, came) => {
      for (const quota of quotas.list(metadata.namespace)) {
        if (!came) exactAfter.delete(keyOf(quota));
        enqueue.after(keyOf(quota), batchMs);
      }
    });
    const definitionsChanged = (): void => enqueue.after(discovery, batchMs);
    informers.informer(customresourcedefinitions).addHandlers({ added: definitionsChanged, deleted: definitionsChanged });
    enqueue(discovery);

    async function usageOf(quota: ResourceQuota, names: readonly string[]): Promise<Amounts> {
      // What applies is decided by what the quota is to limit, not by what it limited before.
      const subject = { ...quota, status: { hard: quota.spec.hard } };
      let used: Amounts = {};
      for (const { evaluator, informer } of await kinds.counting(names)) {
        const counted = evaluator.matching(names);
        let total: Amounts = quantitiesOf(Object.fromEntries(counted.map((name) => [name, '0'])));
        for (const object of informer.list(quota.metadata.namespace)) {
          if (quotaApplies(subject, object, evaluator)) total = sum(total, evaluator.usage(object, now()));
        }
        used = { ...used, ...Object.fromEntries(counted.map((name) => [name, total[name]!])) };
      }
      return used;
    }

    return {
      async reconcile(key) {
        if (key === discovery) {
          await kinds.refresh();
          return { requeueAfterMs: rediscoverMs };
        }
        const quota = quotas.getByKey(key);
        if (!quota) return undefined;
        const hard = quantitiesOf(quota.spec.hard);
        const names = Object.keys(hard);
        const before = quantitiesOf(quota.status?.used);
        const kept = Object.fromEntries(names.flatMap((name) => (before[name] ? [[name, before[name]]] : [])));
        const started = performance.now();
        const exact = started >= Math.min(exactAfter.get(key) ?? 0, settledAfter.get(key) ?? Infinity);
        if (exact) {
          exactAfter.set(key, started + resyncMs);
          settledAfter.delete(key);
        }
        const counted = { ...kept, ...(await usageOf(quota, names)) };
        // Admission may have noted what is yet to be seen here: who hears of something new never takes that back.
        const used = exact ? counted : sum(counted, difference(only(before, names), counted));
        const current =
          quota.status?.hard !== undefined &&
          quota.status.used !== undefined &&
          sameAmounts(hard, quantitiesOf(quota.status.hard)) &&
          sameAmounts(used, before);
        if (!current) {
          await quotaClient.updateStatus({ ...quota, status: { hard: quota.spec.hard ?? {}, used: listOf(used) } }).catch((error: unknown) => {
            // Not told yet, as when admission noted something in between.
            if (exact) exactAfter.delete(key);
            throw error;
          });
        }
        return { requeueAfterMs: Math.min(resyncMs, Math.max(1, (settledAfter.get(key) ?? Infinity) - performance.now())) };
      },
      stop: () => kinds.stop(),
    };
  },
});
