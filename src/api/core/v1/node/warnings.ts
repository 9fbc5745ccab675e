import { path } from '../../../../apimachinery/fieldpath.ts';
import { warningsForCidr } from '../../../../apimachinery/ip.ts';
import type { Node } from '../types.gen.ts';

export function nodeWarnings({ spec }: Node): string[] {
  const warnings: string[] = [];
  if (spec?.configSource) warnings.push('spec.configSource: the feature is removed');
  if (spec?.externalID) warnings.push('spec.externalID: this field is deprecated, and is unused by Kubernetes');
  for (const [index, cidr] of (spec?.podCIDRs ?? []).entries()) {
    warnings.push(...warningsForCidr(path('spec', 'podCIDRs').index(index).toString(), cidr));
  }
  return warnings;
}
