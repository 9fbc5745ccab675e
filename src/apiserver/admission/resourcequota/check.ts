/** Whether a write fits into the quotas of its namespace, and what they will have used after it. Pure. */
import {
  difference,
  exceeding,
  listOf,
  negativeNames,
  only,
  type Quantities,
  quantitiesOf,
  sameAmounts,
  shownAmounts,
  sum,
  withoutZeros,
} from '../../../api/core/v1/quota/amounts.ts';
import { type QuotaEvaluator, quotaApplies } from '../../../api/core/v1/quota/evaluator.ts';
import type { ResourceQuota } from '../../../api/core/v1/types.gen.ts';
import type { AdmissionAttributes } from '../../contracts.ts';
import { objectOf, refusal } from '../attributes.ts';

const hardOf = ({ status }: ResourceQuota): Quantities => quantitiesOf(status?.hard);
const usedOf = ({ status }: ResourceQuota): Quantities => quantitiesOf(status?.used);

/** Those that count the object; throws when one can't say yet whether there is room, or the object doesn't say what it needs. */
function pertinent(quotas: readonly ResourceQuota[], attributes: AdmissionAttributes, evaluator: QuotaEvaluator): ResourceQuota[] {
  const object = objectOf(attributes);
  return quotas.filter((quota) => {
    if (!quotaApplies(quota, object, evaluator)) return false;
    const names = evaluator.matching(Object.keys(hardOf(quota)));
    const missing = evaluator.missing?.(names, object);
    if (missing) throw refusal(attributes, `failed quota: ${quota.metadata.name}: ${missing}`);
    const used = usedOf(quota);
    if (names.some((name) => !used[name]))
      throw refusal(attributes, `status unknown for quota: ${quota.metadata.name}, resources: ${[...names].sort().join(',')}`);
    return true;
  });
}

/** By quota: the use that the write adds. */
function addedUse(quotas: readonly ResourceQuota[], attributes: AdmissionAttributes, evaluator: QuotaEvaluator, now: Date): Map<ResourceQuota, Quantities> {
  const use = evaluator.usage(objectOf(attributes), now);
  const negative = negativeNames(use);
  if (negative.length > 0) throw refusal(attributes, `quota usage is negative for resource(s): ${negative.sort().join(',')}`);
  const { operation, oldObject: old } = attributes;
  // An update is charged with what it adds, but in full to a quota that did not count the object before.
  const delta = operation === 'UPDATE' && old ? difference(use, evaluator.usage(old, now)) : use;
  const added = new Map<ResourceQuota, Quantities>();
  for (const quota of quotas) {
    const before = operation === 'UPDATE' && old !== undefined && quotaApplies(quota, old, evaluator);
    const amounts = withoutZeros(before ? delta : use);
    if (Object.keys(amounts).length > 0) added.set(quota, amounts);
  }
  return added;
}

/**
 * @returns the quotas that change, with `status.used` as it will be
 * @throws 403 when one is exceeded
 */
export function charge(quotas: readonly ResourceQuota[], attributes: AdmissionAttributes, evaluator: QuotaEvaluator, now: Date): ResourceQuota[] {
  const changed: ResourceQuota[] = [];
  for (const [quota, added] of addedUse(pertinent(quotas, attributes, evaluator), attributes, evaluator, now)) {
    const [hard, used] = [hardOf(quota), usedOf(quota)];
    const requested = only(added, Object.keys(hard));
    const after = sum(used, requested);
    const exceeded = attributes.subresource === 'status' ? [] : exceeding(only(after, Object.keys(requested)), hard);
    if (exceeded.length > 0) {
      const shown = (amounts: Quantities): string => shownAmounts(only(amounts, exceeded));
      throw refusal(attributes, `exceeded quota: ${quota.metadata.name}, requested: ${shown(requested)}, used: ${shown(used)}, limited: ${shown(hard)}`);
    }
    if (!sameAmounts(used, after)) changed.push({ ...quota, status: { ...quota.status, used: listOf(after) } });
  }
  return changed;
}
