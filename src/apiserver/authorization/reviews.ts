/** SubjectAccessReview, its local and self forms, and SelfSubjectRulesReview. */
import type {
  ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
  SubjectAccessReviewStatus,
} from '../../api/authorization/v1/types.gen.ts';
import { internalValue, versionedValue } from '../../api/internalvalue.ts';
import type { UserInfo } from '../../api/kind.ts';
import { badRequest, invalid } from '../../apimachinery/errors.ts';
import { type FieldError, type FieldPath, forbiddenField, invalidValue, path, required } from '../../apimachinery/fieldpath.ts';
import type { ObjectMeta } from '../../apimachinery/meta.ts';
import { validateLabelName } from '../../apimachinery/validation/common.ts';
import type { AuthorizationAttributes, Authorizer, CustomHandler, CustomRequest } from '../contracts.ts';
import type { RuleResolver } from './configured.ts';

const group = 'authorization.k8s.io';
const version = 'v1';

type Asked = Pick<SubjectAccessReviewSpec, 'resourceAttributes' | 'nonResourceAttributes'>;

const shownPath = (asked: object): unknown => internalValue('io.k8s.api.authorization.v1.NonResourceAttributes', asked);

interface Requirement {
  key?: string;
  operator?: string;
  values?: string[];
}

/** Operators that are not known may be known to others who are asked. */
function checkRequirement({ key = '', operator = '', values = [] }: Requirement, at: FieldPath, label: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const valuesAt = at.child('values');
  if (!label && key === '') errors.push(required(at.child('key'), 'must be specified'));
  if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
    errors.push(required(valuesAt, "must be specified when `operator` is 'In' or 'NotIn'"));
  }
  if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
    errors.push(forbiddenField(valuesAt, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  }
  return label ? [...errors, ...validateLabelName(key, at.child('key'))] : errors;
}

function checkSelector(selector: { rawSelector?: string; requirements?: Requirement[] } | undefined, field: string, label: boolean): FieldError[] {
  if (!selector) return [];
  const { rawSelector, requirements = [] } = selector;
  const errors: FieldError[] = [];
  if (rawSelector && requirements.length > 0)
    errors.push(invalidValue(`${field}.rawSelector`, rawSelector, 'may not specified at the same time as requirements'));
  if (!rawSelector && requirements.length === 0)
    errors.push(required(`${field}.requirements`, `when ${field} is specified, requirements or rawSelector is required`));
  const at = path(field, 'requirements');
  return [...errors, ...requirements.flatMap((requirement, index) => checkRequirement(requirement, at.index(index), label))];
}

function checkAsked({ resourceAttributes, nonResourceAttributes }: Asked): FieldError[] {
  const errors: FieldError[] = [];
  if (resourceAttributes && nonResourceAttributes)
    errors.push(invalidValue('spec.nonResourceAttributes', shownPath(nonResourceAttributes), 'cannot be specified in combination with resourceAttributes'));
  if (!resourceAttributes && !nonResourceAttributes)
    errors.push(invalidValue('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'));
  return errors;
}

const checkSelectors = ({ resourceAttributes }: Asked): FieldError[] => [
  ...checkSelector(resourceAttributes?.fieldSelector, 'spec.resourceAttributes.fieldSelector', false),
  ...checkSelector(resourceAttributes?.labelSelector, 'spec.resourceAttributes.labelSelector', true),
];

const checkSubject = ({ user, groups }: SubjectAccessReviewSpec): FieldError[] =>
  !user && !groups?.length ? [invalidValue('spec.user', user ?? '', 'at least one of user or group must be specified')] : [];

/** Besides what the server itself fills in, metadata must be empty. */
function checkMetadata(metadata: ObjectMeta | undefined, allowed: readonly string[], detail: string): FieldError[] {
  const { managedFields, ...rest } = metadata ?? {};
  const set = Object.entries(rest).filter(([key, value]) => !allowed.includes(key) && value !== undefined && value !== '' && value !== null);
  return set.length > 0 ? [invalidValue('metadata', versionedValue('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', metadata), detail)] : [];
}

/** Field selector requirements in the form that a URL has; undefined entries are those that can't be expressed. */
function fieldSelectorText(selector: ResourceAttributes['fieldSelector']): { text: string; error: string } {
  if (!selector) return { text: '', error: '' };
  if (selector.rawSelector) return { text: selector.rawSelector, error: '' };
  const parts: string[] = [];
  let dropped = false;
  for (const { key, operator, values } of selector.requirements ?? []) {
    if ((operator === 'In' || operator === 'NotIn') && values?.length === 1) parts.push(`${key}${operator === 'In' ? '=' : '!='}${values[0]}`);
    else dropped = true;
  }
  return { text: parts.join(','), error: dropped ? ignored('fieldSelector', parts.length > 0) : '' };
}

function labelSelectorText(selector: ResourceAttributes['labelSelector']): { text: string; error: string } {
  if (!selector) return { text: '', error: '' };
  if (selector.rawSelector) return { text: selector.rawSelector, error: '' };
  const parts: string[] = [];
  let dropped = false;
  for (const { key, operator, values = [] } of selector.requirements ?? []) {
    if (operator === 'In' && values.length > 0) parts.push(`${key} in (${values.join(',')})`);
    else if (operator === 'NotIn' && values.length > 0) parts.push(`${key} notin (${values.join(',')})`);
    else if (operator === 'Exists' && values.length === 0) parts.push(key);
    else if (operator === 'DoesNotExist' && values.length === 0) parts.push(`!${key}`);
    else dropped = true;
  }
  return { text: parts.join(','), error: dropped ? ignored('labelSelector', parts.length > 0) : '' };
}

const ignored = (selector: string, partially: boolean): string =>
  `spec.resourceAttributes.${selector} ${partially ? 'partially ignored' : 'ignored'} due to parse error`;

function attributesOf(user: UserInfo, { resourceAttributes: asked, nonResourceAttributes }: Asked): { attributes: AuthorizationAttributes; errors: string[] } {
  const none = { user, group: '', version: '', resource: '', subresource: '', namespace: '', name: '', path: '' };
  if (!asked)
    return { attributes: { ...none, isResourceRequest: false, verb: nonResourceAttributes?.verb ?? '', path: nonResourceAttributes?.path ?? '' }, errors: [] };
  const fields = fieldSelectorText(asked.fieldSelector);
  const labels = labelSelectorText(asked.labelSelector);
  return {
    attributes: {
      ...none,
      isResourceRequest: true,
      verb: asked.verb ?? '',
      group: asked.group ?? '',
      version: asked.version || '*',
      resource: asked.resource ?? '',
      subresource: asked.subresource ?? '',
      namespace: asked.namespace ?? '',
      name: asked.name ?? '',
      ...(fields.text === '' ? {} : { fieldSelector: fields.text }),
      ...(labels.text === '' ? {} : { labelSelector: labels.text }),
    },
    errors: [fields.error, labels.error].filter((error) => error !== ''),
  };
}

async function ask(authorizer: Authorizer, user: UserInfo, asked: Asked): Promise<SubjectAccessReviewStatus> {
  const { attributes, errors } = attributesOf(user, asked);
  const { decision, reason, error } = await authorizer(attributes);
  const evaluationError = [...(error ? [error] : []), ...errors].join('; ');
  return {
    allowed: decision === 'allow',
    ...(decision === 'deny' ? { denied: true } : {}),
    ...(reason === '' ? {} : { reason }),
    ...(evaluationError === '' ? {} : { evaluationError }),
  };
}

const subjectOf = ({ user, uid, groups, extra }: SubjectAccessReviewSpec): UserInfo => ({
  username: user ?? '',
  groups: groups ?? [],
  ...(uid ? { uid } : {}),
  ...(extra ? { extra } : {}),
});

/** Upstream does not say of which kind. */
function reject(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group, kind: '' }, '', errors);
}

export async function reviewSubjectAccess(review: SubjectAccessReview, authorizer: Authorizer): Promise<SubjectAccessReview> {
  const { spec } = review;
  reject([...checkAsked(spec), ...checkSubject(spec), ...checkSelectors(spec), ...checkMetadata(review.metadata, [], 'must be empty')]);
  return { ...review, status: await ask(authorizer, subjectOf(spec), spec) };
}

export async function reviewLocalSubjectAccess(review: SubjectAccessReview, namespace: string, authorizer: Authorizer): Promise<SubjectAccessReview> {
  const { spec } = review;
  const asked = spec.resourceAttributes;
  reject([
    ...checkAsked(spec),
    ...checkSubject(spec),
    ...checkSelectors(spec),
    ...checkMetadata(review.metadata, ['namespace'], 'must be empty except for namespace'),
    ...(asked && (asked.namespace ?? '') !== (review.metadata.namespace ?? '')
      ? [invalidValue('spec.resourceAttributes.namespace', asked.namespace ?? '', 'must match metadata.namespace')]
      : []),
    ...(spec.nonResourceAttributes
      ? [invalidValue('spec.nonResourceAttributes', shownPath(spec.nonResourceAttributes), 'disallowed on this kind of request')]
      : []),
  ]);
  if (namespace === '') throw badRequest('namespace is required on this type: ');
  if ((asked?.namespace ?? '') !== namespace) throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`);
  return { ...review, status: await ask(authorizer, subjectOf(spec), spec) };
}

export async function reviewSelfSubjectAccess(review: SelfSubjectAccessReview, user: UserInfo, authorizer: Authorizer): Promise<SelfSubjectAccessReview> {
  const { spec } = review;
  reject([...checkAsked(spec), ...checkSelectors(spec), ...checkMetadata(review.metadata, [], 'must be empty')]);
  return { ...review, status: await ask(authorizer, user, spec) };
}

/** What the user may do in a namespace, as far as the authorizers can list it. */
export async function reviewSelfSubjectRules(review: SelfSubjectRulesReview, user: UserInfo, rulesFor: RuleResolver): Promise<SelfSubjectRulesReview> {
  const { namespace } = review.spec;
  if (!namespace) throw badRequest('no namespace on request');
  const { rules, errors, incomplete } = await rulesFor(user, namespace);
  return {
    apiVersion: `${group}/${version}`,
    kind: 'SelfSubjectRulesReview',
    metadata: { name: '' },
    spec: {},
    status: {
      resourceRules: rules.flatMap(({ verbs, apiGroups, resources, resourceNames }) =>
        resources?.length ? [{ verbs, apiGroups, resources, ...(resourceNames?.length ? { resourceNames } : {}) }] : [],
      ),
      nonResourceRules: rules.flatMap(({ verbs, nonResourceURLs }) => (nonResourceURLs?.length ? [{ verbs, nonResourceURLs }] : [])),
      incomplete,
      ...(errors.length > 0 ? { evaluationError: errors.length === 1 ? errors[0] : `[${errors.join(', ')}]` } : {}),
    },
  };
}

export function authorizationHandlers(authorizer: Authorizer, rulesFor: RuleResolver): CustomHandler[] {
  const handler = (resource: string, handle: (request: CustomRequest) => ReturnType<CustomHandler['handle']>): CustomHandler => ({
    group,
    version,
    resource,
    subresource: '',
    verb: 'create',
    handle,
  });
  return [
    handler('subjectaccessreviews', ({ body }) => reviewSubjectAccess(body, authorizer)),
    handler('localsubjectaccessreviews', ({ body, namespace }) => reviewLocalSubjectAccess(body, namespace, authorizer)),
    handler('selfsubjectaccessreviews', ({ body, user }) => reviewSelfSubjectAccess(body, user, authorizer)),
    handler('selfsubjectrulesreviews', ({ body, user }) => reviewSelfSubjectRules(body, user, rulesFor)),
  ];
}
