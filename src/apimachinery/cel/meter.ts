/**
 * Counts what evaluations cost, so that an expression over much data can't keep the server from everything else. A name,
 * a member and a call cost 1 each, a turn of a loop some more. Upstream also charges for long strings.
 */
import type { ASTNode } from '@marcbachmann/cel-js';

/** What several evaluations may cost together, e.g. all rules for one object. */
export interface CelBudget {
  remaining: number;
}

/** What one evaluation may cost. */
export const costLimit = 1_000_000;

type Evaluate = (this: unknown, evaluator: unknown, node: unknown, context: unknown) => unknown;

const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value && 'args' in value;

/** Nodes below and with this one; what macros are made into shares their arguments. */
function* nodesOf(value: unknown): Generator<ASTNode> {
  if (Array.isArray(value)) {
    for (const one of value) yield* nodesOf(one);
  } else if (isNode(value)) {
    yield value;
    if (value.op !== 'value' && value.op !== 'id') yield* nodesOf(value.args);
  }
}

const loops = new Set(['all', 'exists', 'exists_one', 'existsOne', 'map', 'filter', 'sortBy', 'transformList', 'transformMap', 'transformMapEntry']);
/** What a turn of a loop costs besides its body. */
const turnCost = 3;

/** The bodies of loops. */
function bodiesOf(root: ASTNode): Set<ASTNode> {
  const bodies = new Set<ASTNode>();
  for (const node of nodesOf(root)) if (node.op === 'rcall' && loops.has(node.args[0])) for (const body of node.args[2].slice(1)) bodies.add(body);
  return bodies;
}

const free = new Set<string>(['value', 'list', 'map']);

/** Has `charge` called whenever one of the expression's nodes is evaluated. */
export function meter(root: ASTNode, charge: (cost: number) => void): void {
  const bodies = bodiesOf(root);
  for (const node of nodesOf(root)) {
    const cost = (free.has(node.op) ? 0 : 1) + (bodies.has(node) ? turnCost : 0);
    if (cost === 0) continue;
    // A node finds out how it is evaluated when it first is, and then replaces its own method: that has to go through here too.
    let evaluate = (node as unknown as { evaluate: Evaluate }).evaluate;
    const metered: Evaluate = (evaluator, inner, context) => {
      charge(cost);
      return evaluate.call(node, evaluator, inner, context);
    };
    Object.defineProperty(node, 'evaluate', {
      get: () => metered,
      set: (replaced: Evaluate) => {
        evaluate = replaced;
      },
    });
  }
}
