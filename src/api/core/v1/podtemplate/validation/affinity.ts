/** Validation of affinity, and of node selectors wherever they stand. Source of the rule: upstream's `core/validation`. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, required } from '../../../../../apimachinery/fieldpath.ts';
import type { LabelSelector } from '../../../../../apimachinery/meta.ts';
import { labelName, subdomainName, validateLabelValue } from '../../../../../apimachinery/names.ts';
import { validateLabelSelector } from '../../../../../apimachinery/selectors.ts';
import { checked, validateLabelName } from '../../../../../apimachinery/validation/common.ts';
import type { Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinity, PodAffinityTerm } from '../../types.gen.ts';

const notAnOperator = 'not a valid selector operator';

function validateRequirement({ key = '', operator = '', values = [] }: NodeSelectorRequirement, checkValues: boolean, path: FieldPath): FieldError[] {
  const at = path.child('values');
  const errors: FieldError[] = [];
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.push(required(at, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) errors.push(forbiddenField(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else if (operator === 'Gt' || operator === 'Lt') {
    if (values.length !== 1) errors.push(required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
  } else errors.push(invalidValue(path.child('operator'), operator, notAnOperator));
  errors.push(...validateLabelName(key, path.child('key')));
  return checkValues ? [...errors, ...values.flatMap((value, index) => checked(value, at.index(index), validateLabelValue(value)))] : errors;
}

/** The only field is the node's name. */
function validateFieldRequirement({ key = '', operator = '', values = [] }: NodeSelectorRequirement, path: FieldPath): FieldError[] {
  const at = path.child('values');
  const errors: FieldError[] = [];
  if (operator !== 'In' && operator !== 'NotIn') errors.push(invalidValue(path.child('operator'), operator, notAnOperator));
  else if (values.length !== 1) errors.push(required(at, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  if (key !== 'metadata.name') return [...errors, invalidValue(path.child('key'), key, 'not a valid field selector key')];
  return [...errors, ...values.flatMap((value, index) => checked(value, at.index(index), subdomainName(value, false)))];
}

function validateTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, checkValues: boolean, path: FieldPath): FieldError[] {
  return [
    ...matchExpressions.flatMap((one, index) => validateRequirement(one, checkValues, path.child('matchExpressions').index(index))),
    ...matchFields.flatMap((one, index) => validateFieldRequirement(one, path.child('matchFields').index(index))),
  ];
}

/** Of a pod's node affinity, a volume's, a resource slice's. */
export function validateNodeSelector({ nodeSelectorTerms: terms = [] }: NodeSelector, path: FieldPath): FieldError[] {
  const at = path.child('nodeSelectorTerms');
  if (terms.length === 0) return [required(at, 'must have at least one node selector term')];
  return terms.flatMap((term, index) => validateTerm(term, true, at.index(index)));
}

const validateWeight = (weight: number, path: FieldPath): FieldError[] =>
  weight > 0 && weight <= 100 ? [] : [invalidValue(path.child('weight'), weight, 'must be in the range 1-100')];

const requiredTerms = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferredTerms = 'preferredDuringSchedulingIgnoredDuringExecution';

function validateNodeAffinity(affinity: NodeAffinity, path: FieldPath): FieldError[] {
  const needed = affinity[requiredTerms];
  const errors = needed ? validateNodeSelector(needed, path.child(requiredTerms)) : [];
  for (const [index, { weight = 0, preference }] of (affinity[preferredTerms] ?? []).entries()) {
    const at = path.child(preferredTerms).index(index);
    // A preference with such a value does no harm, and always was possible.
    errors.push(...validateWeight(weight, at), ...validateTerm(preference ?? {}, false, at.child('preference')));
  }
  return errors;
}

function validateKeys(keys: readonly string[], selector: LabelSelector | undefined, path: FieldPath): FieldError[] {
  if (keys.length === 0) return [];
  if (!selector) return [forbiddenField(path, 'must not be specified when labelSelector is not set')];
  return keys.flatMap((key, index) => validateLabelName(key, path.index(index)));
}

/** Keys whose values come from the pod's labels. By now the selector holds one expression for each, so a second one is the user's. */
export function validateLabelKeys(
  matchLabelKeys: readonly string[] = [],
  mismatchLabelKeys: readonly string[] = [],
  selector: LabelSelector | undefined,
  path: FieldPath,
): FieldError[] {
  const errors = [
    ...validateKeys(matchLabelKeys, selector, path.child('matchLabelKeys')),
    ...validateKeys(mismatchLabelKeys, selector, path.child('mismatchLabelKeys')),
  ];
  const seen = new Set(Object.keys(selector?.matchLabels ?? {}));
  for (const { key } of selector?.matchExpressions ?? []) {
    const index = matchLabelKeys.lastIndexOf(key);
    if (index >= 0 && seen.has(key)) errors.push(invalidValue(path.index(index), key, 'exists in both matchLabelKeys and labelSelector'));
    seen.add(key);
  }
  for (const [index, key] of matchLabelKeys.entries()) {
    if (!mismatchLabelKeys.includes(key)) continue;
    errors.push(invalidValue(path.child('matchLabelKeys').index(index), key, 'exists in both matchLabelKeys and mismatchLabelKeys'));
  }
  return errors;
}

function validatePodTerm(term: PodAffinityTerm, path: FieldPath): FieldError[] {
  const { topologyKey = '', labelSelector, namespaceSelector, namespaces = [] } = term;
  const errors = [
    ...validateLabelSelector(labelSelector, {}, path.child('labelSelector')),
    ...validateLabelSelector(namespaceSelector, {}, path.child('namespaceSelector')),
    ...namespaces.flatMap((name) => checked(name, path.child('namespace'), labelName(name, false))),
    ...validateLabelKeys(term.matchLabelKeys, term.mismatchLabelKeys, labelSelector, path),
  ];
  if (topologyKey === '') errors.push(required(path.child('topologyKey'), 'can not be empty'));
  return [...errors, ...validateLabelName(topologyKey, path.child('topologyKey'))];
}

function validatePodAffinity(affinity: PodAffinity, path: FieldPath): FieldError[] {
  return [
    ...(affinity[requiredTerms] ?? []).flatMap((term, index) => validatePodTerm(term, path.child(requiredTerms).index(index))),
    ...(affinity[preferredTerms] ?? []).flatMap(({ weight = 0, podAffinityTerm }, index) => {
      const at = path.child(preferredTerms).index(index);
      return [...validateWeight(weight, at), ...validatePodTerm(podAffinityTerm, at.child('podAffinityTerm'))];
    }),
  ];
}

export function validateAffinity(affinity: Affinity | undefined, path: FieldPath): FieldError[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity ?? {};
  return [
    ...(nodeAffinity ? validateNodeAffinity(nodeAffinity, path.child('nodeAffinity')) : []),
    ...(podAffinity ? validatePodAffinity(podAffinity, path.child('podAffinity')) : []),
    ...(podAntiAffinity ? validatePodAffinity(podAntiAffinity, path.child('podAntiAffinity')) : []),
  ];
}
