import { canonicalQuantity, compareQuantities } from '../../../../apimachinery/quantity.ts';
import { ageColumn, nameColumn, textColumn } from '../../../columns.ts';
import type { Column } from '../../../kind.ts';
import type { ResourceQuota } from '../types.gen.ts';

/** Used and hard limit of each resource, those that limit `limits.…` apart. */
function usage({ status }: ResourceQuota, ofLimits: boolean): string {
  const used = status?.used ?? {};
  return Object.entries(status?.hard ?? {})
    .filter(([name]) => name.startsWith('limits.') === ofLimits)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, hard]) => `${name}: ${canonicalQuantity(used[name] ?? '0')}/${canonicalQuantity(hard)}`)
    .join(', ');
}

export const quotaColumns: readonly Column<ResourceQuota>[] = [
  nameColumn,
  textColumn('Request', (quota) => usage(quota, false)),
  textColumn('Limit', (quota) => usage(quota, true)),
  ageColumn,
];

/** Requests that exceed their limits: nobody can use them up. */
export function quotaWarnings({ spec }: ResourceQuota): string[] {
  const hard = spec?.hard ?? {};
  return ['cpu', 'memory', 'storage', 'ephemeral-storage'].flatMap((resource) => {
    const bare = resource === 'cpu' || resource === 'memory';
    const name = hard[`requests.${resource}`] === undefined && bare ? resource : `requests.${resource}`;
    const [request, limit] = [hard[name], hard[`limits.${resource}`]];
    if (request === undefined || limit === undefined || compareQuantities(request, limit) <= 0) return [];
    return `ResourceQuota ${name} (${canonicalQuantity(request)}) should be less than limits.${resource} (${canonicalQuantity(limit)})`;
  });
}
