/** What a quota can count of a kind, and how much of it an object uses. Admission asks before a write, a controller adds up what there is. */
import type { KubeObject } from '../../../../apimachinery/meta.ts';
import type { KindDefinition } from '../../../kind.ts';
import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../types.gen.ts';
import type { Quantities } from './amounts.ts';

/** The part of a write that decides whether usage can change. */
export interface QuotaWrite {
  operation: string;
  subresource: string;
  object?: KubeObject;
  oldObject?: KubeObject;
}

export interface QuotaEvaluator<T extends KubeObject = KubeObject> {
  definition: KindDefinition;
  handles(write: QuotaWrite): boolean;
  /** Of these names, those that it counts. */
  matching(names: readonly string[]): string[];
  usage(object: T, now: Date): Quantities;
  /** Absent: no scope selects objects of this kind. */
  inScope?(object: T, scope: ScopedResourceSelectorRequirement): boolean;
  /** What must be said by the object for these names to be counted; the text of a refusal. */
  missing?(names: readonly string[], object: T): string | undefined;
}

/** `scopes` and `scopeSelector`, in one form. */
export const scopesOf = ({ spec }: ResourceQuota): ScopedResourceSelectorRequirement[] => [
  ...(spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
  ...(spec.scopeSelector?.matchExpressions ?? []),
];

/** Whether the quota counts something of that kind and selects the object. */
export function quotaApplies<T extends KubeObject>(quota: ResourceQuota, object: T, evaluator: QuotaEvaluator<T>): boolean {
  if (evaluator.matching(Object.keys(quota.status?.hard ?? {})).length === 0) return false;
  return scopesOf(quota).every((scope) => evaluator.inScope?.(object, scope) ?? false);
}

/** A selector over one value that an object may have; several values match when one of them does. */
export function selectsValue({ operator, values = [] }: ScopedResourceSelectorRequirement, present: readonly string[]): boolean {
  switch (operator) {
    case 'Exists':
      return present.length > 0;
    case 'DoesNotExist':
      return present.length === 0;
    case 'In':
      return present.some((value) => values.includes(value));
    case 'NotIn':
      return present.length === 0 || present.some((value) => !values.includes(value));
    default:
      return false;
  }
}

/** Counts the objects of any kind as `count/<resource>.<group>`. */
export const countName = ({ group, plural }: KindDefinition): string => `count/${plural}${group === '' ? '' : `.${group}`}`;
