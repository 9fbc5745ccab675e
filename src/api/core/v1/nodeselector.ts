/** Which nodes a pod may and would like to run on: node selectors, node affinity, topology terms. Pure functions. */

import { own } from '../../../apimachinery/own.ts';
import { compileRequirement, type LabelOperator, type Labels, newRequirement } from '../../../apimachinery/requirement.ts';
import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod, PreferredSchedulingTerm, TopologySelectorTerm } from './types.gen.ts';

/** What a test looks at. A term with `matchFields` alone matches by `name`. */
export interface NodeLike {
  name: string;
  labels: Labels;
}

export type NodeTest = (node: NodeLike) => boolean;

const never: NodeTest = () => false;
const always: NodeTest = () => true;

const operators: Readonly<Record<string, LabelOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!', Gt: 'gt', Lt: 'lt' };

function compileExpressions(expressions: readonly NodeSelectorRequirement[]): NodeTest {
  const tests = expressions.map(({ key, operator, values }) => {
    const known = own(operators, operator);
    if (!known) throw new Error(`${JSON.stringify(operator)} is not a valid node selector operator`);
    return compileRequirement(newRequirement(key, known, values ?? []));
  });
  return ({ labels }) => tests.every((test) => test(labels));
}

function compileFields(requirements: readonly NodeSelectorRequirement[]): NodeTest {
  const tests = requirements.map(({ key, operator, values = [] }): NodeTest => {
    if (values.length !== 1 || (operator !== 'In' && operator !== 'NotIn')) throw new Error('must be In or NotIn with one element');
    const wanted = operator === 'In';
    return ({ name }) => ((key === 'metadata.name' ? name : '') === values[0]) === wanted;
  });
  return (node) => tests.every((test) => test(node));
}

/** A term that can't be read matches no node; an empty one neither. */
function compileTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): NodeTest {
  if (matchExpressions.length === 0 && matchFields.length === 0) return never;
  try {
    const byLabels = matchExpressions.length > 0 ? compileExpressions(matchExpressions) : always;
    const byFields = matchFields.length > 0 ? compileFields(matchFields) : always;
    return (node) => byLabels(node) && byFields(node);
  } catch {
    return never;
  }
}

/** A `NodeSelector` as a test: one of its terms must match. */
export function nodeSelectorTest(selector: NodeSelector): NodeTest {
  const terms = (selector.nodeSelectorTerms ?? []).map(compileTerm);
  return (node) => terms.some((matches) => matches(node));
}

/** `spec.nodeSelector` and required node affinity together; undefined when the pod has neither. */
export function requiredNodeTest(pod: Pod): NodeTest | undefined {
  const wanted = Object.entries(pod.spec.nodeSelector ?? {});
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (wanted.length === 0 && !required) return undefined;
  const affinity = required ? nodeSelectorTest(required) : always;
  return (node) => wanted.every(([key, value]) => node.labels[key] === value) && affinity(node);
}

/** The sum of the weights of preferred terms that match. Undefined when there is nothing to prefer. */
export function preferredNodeScore(terms: readonly PreferredSchedulingTerm[] | undefined): ((node: NodeLike) => number) | undefined {
  const compiled = (terms ?? [])
    .filter(({ weight, preference }) => weight !== 0 && (preference.matchExpressions?.length || preference.matchFields?.length))
    .map(({ weight, preference }) => ({ weight, matches: compileTerm(preference) }));
  if (compiled.length === 0) return undefined;
  return (node) => compiled.reduce((sum, { weight, matches }) => sum + (matches(node) ? weight : 0), 0);
}

/** `allowedTopologies` of a StorageClass: none means everywhere, an empty term nowhere. */
export function matchesTopology(terms: readonly TopologySelectorTerm[] | undefined, labels: Labels): boolean {
  if (!terms || terms.length === 0) return true;
  return terms.some(
    ({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.length > 0 && matchLabelExpressions.every(({ key, values }) => Object.hasOwn(labels, key) && values.includes(labels[key]!)),
  );
}

export const nodeLike = (node: Node): NodeLike => ({ name: node.metadata.name, labels: node.metadata.labels ?? {} });
