/** A question to an authorizer as a SubjectAccessReview. */
import type { SubjectAccessReviewSpec } from '../../../api/authorization/v1/types.gen.ts';
import { parseFieldSelector, parseLabelSelector } from '../../../apimachinery/selectors.ts';
import type { AuthorizationAttributes } from '../../contracts.ts';

interface Requirement {
  key: string;
  operator: string;
  values?: string[];
}

const labelOperators: Readonly<Record<string, string>> = {
  '=': 'In',
  '==': 'In',
  in: 'In',
  '!=': 'NotIn',
  notin: 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
};

/** Selectors only narrow: what can't be expressed is left out. */
function fieldRequirements(text: string | undefined): Requirement[] {
  if (!text) return [];
  try {
    return parseFieldSelector(text).requirements.map(({ field, operator, value }) => ({
      key: field,
      operator: operator === '!=' ? 'NotIn' : 'In',
      values: [value],
    }));
  } catch {
    // The request itself will fail with what is wrong with it.
    return [];
  }
}

function labelRequirements(text: string | undefined): Requirement[] {
  if (!text) return [];
  try {
    return parseLabelSelector(text).requirements.flatMap(({ key, operator, values }) => {
      const known = labelOperators[operator];
      return known ? [{ key, operator: known, ...(values.length > 0 ? { values: [...values] } : {}) }] : [];
    });
  } catch {
    // As above.
    return [];
  }
}

/** With the fields in the order in which upstream writes them. */
export function reviewSpecOf(attributes: AuthorizationAttributes): SubjectAccessReviewSpec {
  const { user, isResourceRequest, verb, path } = attributes;
  const spec: SubjectAccessReviewSpec = isResourceRequest
    ? { resourceAttributes: resourceAttributesOf(attributes) }
    : { nonResourceAttributes: { ...(path ? { path } : {}), verb } };
  if (user.username) spec.user = user.username;
  if (user.groups.length > 0) spec.groups = [...user.groups];
  if (user.extra && Object.keys(user.extra).length > 0) spec.extra = user.extra;
  if (user.uid) spec.uid = user.uid;
  return spec;
}

function resourceAttributesOf(attributes: AuthorizationAttributes): NonNullable<SubjectAccessReviewSpec['resourceAttributes']> {
  const { namespace, verb, group, version, resource, subresource, name } = attributes;
  const [fields, labels] = [fieldRequirements(attributes.fieldSelector), labelRequirements(attributes.labelSelector)];
  return {
    ...Object.fromEntries(Object.entries({ namespace, verb, group, version, resource, subresource, name }).filter(([, value]) => value !== '')),
    ...(fields.length > 0 ? { fieldSelector: { requirements: fields } } : {}),
    ...(labels.length > 0 ? { labelSelector: { requirements: labels } } : {}),
  };
}

/** v1beta1 calls the groups `group`. */
export function betaSpecOf({ groups, ...rest }: SubjectAccessReviewSpec): Record<string, unknown> {
  return { ...rest, ...(groups ? { group: groups } : {}) };
}
