/** Matching of RBAC rules against requests, and of rules against rules. Source of the rule: rbac.authorization.k8s.io/v1 PolicyRule. */
import type { PolicyRule } from '../../api/rbac/v1/types.gen.ts';
import type { AuthorizationAttributes } from '../contracts.ts';

const matches = (values: readonly string[] | undefined, wanted: string): boolean => values !== undefined && (values.includes('*') || values.includes(wanted));

export const pathMatches = (patterns: readonly string[] | undefined, path: string): boolean =>
  patterns?.some((pattern) => pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, '')))) ?? false;

function resourceMatches(resources: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (!resources) return false;
  if (resources.includes('*')) return true;
  if (subresource === '') return resources.includes(resource);
  return resources.includes(`${resource}/${subresource}`) || resources.includes(`*/${subresource}`);
}

export function ruleAllows(rule: PolicyRule, { isResourceRequest, verb, group, resource, subresource, name, path }: AuthorizationAttributes): boolean {
  if (!matches(rule.verbs, verb)) return false;
  if (!isResourceRequest) return pathMatches(rule.nonResourceURLs, path);
  return (
    matches(rule.apiGroups, group) &&
    resourceMatches(rule.resources, resource, subresource) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(name))
  );
}

/** Rules that each grant one verb on one resource or path. */
export function breakDown(rule: PolicyRule): PolicyRule[] {
  const atoms: PolicyRule[] = [];
  for (const group of rule.apiGroups ?? [])
    for (const resource of rule.resources ?? [])
      for (const verb of rule.verbs) {
        const atom = { apiGroups: [group], resources: [resource], verbs: [verb] };
        if (rule.resourceNames?.length) for (const name of rule.resourceNames) atoms.push({ ...atom, resourceNames: [name] });
        else atoms.push(atom);
      }
  for (const url of rule.nonResourceURLs ?? []) for (const verb of rule.verbs) atoms.push({ nonResourceURLs: [url], verbs: [verb] });
  return atoms;
}

const all = (values: readonly string[] | undefined, wanted: readonly string[] | undefined): boolean => (wanted ?? []).every((one) => values?.includes(one));

const resourcesCover = (owned: readonly string[] | undefined, wanted: readonly string[] | undefined): boolean =>
  owned?.includes('*') ||
  (wanted ?? []).every((resource) => {
    const slash = resource.indexOf('/');
    return owned?.includes(resource) || (slash >= 0 && owned?.includes(`*${resource.slice(slash)}`));
  });

const urlCovers = (owned: string, wanted: string): boolean => owned === wanted || (owned.endsWith('*') && wanted.startsWith(owned.replace(/\*+$/, '')));

const covers = (owned: PolicyRule, atom: PolicyRule): boolean =>
  (owned.verbs.includes('*') || all(owned.verbs, atom.verbs)) &&
  (owned.apiGroups?.includes('*') || all(owned.apiGroups, atom.apiGroups)) &&
  resourcesCover(owned.resources, atom.resources) &&
  (!owned.resourceNames?.length || (!!atom.resourceNames?.length && all(owned.resourceNames, atom.resourceNames))) &&
  (atom.nonResourceURLs ?? []).every((wanted) => owned.nonResourceURLs?.some((one) => urlCovers(one, wanted)));

/** The parts of `wanted` that `owned` does not grant, broken down. */
export const uncovered = (owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] =>
  wanted.flatMap(breakDown).filter((atom) => !owned.some((rule) => covers(rule, atom)));

/** Puts together broken-down rules that differ by verb alone. */
export function compactRules(atoms: readonly PolicyRule[]): PolicyRule[] {
  const compacted: PolicyRule[] = [];
  const simple = new Map<string, PolicyRule>();
  for (const atom of atoms) {
    if (atom.nonResourceURLs) {
      compacted.push(atom);
      continue;
    }
    const key = JSON.stringify([atom.apiGroups, atom.resources, atom.resourceNames]);
    const present = simple.get(key);
    if (present) present.verbs.push(...atom.verbs);
    else simple.set(key, { ...atom, verbs: [...atom.verbs] });
  }
  return [...compacted, ...simple.values()];
}

const quotedList = (values: readonly string[]): string => `[${values.map((one) => JSON.stringify(one)).join(' ')}]`;

/** A rule as error messages show it: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`. */
export function describeRule(rule: PolicyRule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  return `{${parts.flatMap(([name, values]) => (values?.length ? [`${name}:${quotedList(values)}`] : [])).join(', ')}}`;
}
