/** Label selectors and field selectors: reading, checking, matching. Source: apimachinery `labels`, `fields`, `meta/v1`. */

import type { FieldError, FieldPath } from './fieldpath.ts';
import { forbiddenField, invalidValue, required } from './fieldpath.ts';
import { parseRequirements } from './labelparser.ts';
import type { LabelSelector, LabelSelectorRequirement } from './meta.ts';
import { validateLabelKey, validateLabelValue } from './names.ts';
import { own } from './own.ts';
import type { LabelOperator, LabelRequirement, Labels } from './requirement.ts';
import { compileRequirement, formatRequirement, newRequirement } from './requirement.ts';

export * from './fieldselector.ts';
export type { LabelOperator, LabelRequirement, Labels } from './requirement.ts';

/** A selector, ready to match. */
export interface LabelMatcher {
  /** Absent labels are no labels. */
  matches(labels: Labels | undefined): boolean;
  /** As text, requirements sorted by key; what an empty selector and one that matches nothing print is `''`. */
  toString(): string;
  /** It asks for nothing, so it matches everything. */
  readonly empty: boolean;
  /** An absent `LabelSelector`. */
  readonly matchesNothing: boolean;
  readonly requirements: readonly LabelRequirement[];
}

const noLabels: Labels = {};

function matcherOf(requirements: readonly LabelRequirement[]): LabelMatcher {
  const tests = requirements.map(compileRequirement);
  return {
    matches: (labels = noLabels) => tests.every((passes) => passes(labels)),
    toString: () => requirements.map(formatRequirement).join(','),
    empty: requirements.length === 0,
    matchesNothing: false,
    requirements,
  };
}

export const everything: LabelMatcher = matcherOf([]);
export const nothing: LabelMatcher = { matches: () => false, toString: () => '', empty: false, matchesNothing: true, requirements: [] };

/** Text that is no selector. Clients get it as 400; the message is upstream's. */
export class SelectorError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'SelectorError';
  }
}

function orSelectorError<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new SelectorError((error as Error).message, { cause: error });
  }
}

/** Reads `a=b,c in (d,e),!f`. Throws {@link SelectorError}. */
export function parseLabelSelector(text: string): LabelMatcher {
  return text === '' ? everything : orSelectorError(() => matcherOf(parseRequirements(text)));
}

/** Labels that must all be there, as a Service or a ReplicationController has them; `undefined` and `{}` match everything. */
export function labelSetMatcher(labels: Labels | undefined): LabelMatcher {
  const keys = Object.keys(labels ?? noLabels).sort();
  return keys.length === 0 ? everything : matcherOf(keys.map((key) => ({ key, operator: '=', values: [labels![key]!] })));
}

const selectorOperators: Readonly<Record<string, LabelOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

function requirementsOf(selector: LabelSelector): LabelRequirement[] {
  const requirements = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => newRequirement(key, '=', [value]));
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = own(selectorOperators, operator);
    if (!known) throw new Error(`${JSON.stringify(operator)} is not a valid label selector operator`);
    requirements.push(newRequirement(key, known, values ?? []));
  }
  return requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

const compiled = new WeakMap<LabelSelector, LabelMatcher>();

/**
 * A `LabelSelector` of an object: absent matches nothing, empty matches everything. Throws {@link SelectorError}.
 * The result is kept as long as the selector object lives, so a selector must not be changed after its first use.
 */
export function labelSelectorMatcher(selector: LabelSelector | undefined): LabelMatcher {
  if (!selector) return nothing;
  let matcher = compiled.get(selector);
  if (!matcher) {
    matcher = orSelectorError(() => matcherOf(requirementsOf(selector)));
    compiled.set(selector, matcher);
  }
  return matcher;
}

/** A `LabelSelector` as text, for `status.selector` of a scale and for columns; absent is `<none>`. */
export const formatLabelSelector = (selector: LabelSelector | undefined): string => {
  const text = labelSelectorMatcher(selector).toString();
  return text === '' ? '<none>' : text;
};

export interface LabelSelectorValidationOptions {
  /** What stored objects may have from before values were checked. */
  allowInvalidLabelValueInSelector?: boolean;
  allowUnknownOperatorInRequirement?: boolean;
}

function validateRequirement(requirement: LabelSelectorRequirement, options: LabelSelectorValidationOptions, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const { key = '', operator = '', values = [] } = requirement;
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.push(required(path.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) errors.push(forbiddenField(path.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else if (!options.allowUnknownOperatorInRequirement) {
    errors.push(invalidValue(path.child('operator'), operator, 'not a valid selector operator'));
  }
  errors.push(...validateLabelKey(key).map((message) => invalidValue(path.child('key'), key, message)));
  if (options.allowInvalidLabelValueInSelector) return errors;
  for (const [index, value] of values.entries()) {
    errors.push(...validateLabelValue(value).map((message) => invalidValue(path.child('values').index(index), value, message)));
  }
  return errors;
}

/** What is wrong with labels: keys and values. */
export function validateLabels(labels: Labels | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (!labels) return errors;
  for (const [key, value] of Object.entries(labels)) {
    for (const message of validateLabelKey(key)) errors.push(invalidValue(path, key, message));
    for (const message of validateLabelValue(value)) errors.push(invalidValue(path, value, message));
  }
  return errors;
}

/** What is wrong with a `LabelSelector`. An absent one is no error. */
export function validateLabelSelector(selector: LabelSelector | undefined, options: LabelSelectorValidationOptions, path: FieldPath): FieldError[] {
  if (!selector) return [];
  const errors = validateLabels(selector.matchLabels, path.child('matchLabels'));
  for (const [index, requirement] of (selector.matchExpressions ?? []).entries()) {
    errors.push(...validateRequirement(requirement, options, path.child('matchExpressions').index(index)));
  }
  return errors;
}

/** Whether a value in the selector's expressions is no label value: old objects are let pass with it. */
export const hasInvalidLabelValue = (selector: LabelSelector | undefined): boolean =>
  (selector?.matchExpressions ?? []).some(({ values }) => (values ?? []).some((value) => validateLabelValue(value).length > 0));
