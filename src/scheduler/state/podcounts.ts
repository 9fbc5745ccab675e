/**
 * Counts of pods by node and by topology domain, kept up to date pod by pod: what affinity and spreading ask for every pod that is
 * placed does not have to be counted anew on thousands of nodes.
 */
import type { NodeInfo } from './nodeinfo.ts';

const none: ReadonlyMap<string, number> = new Map();

export class PodCounts {
  readonly #nodes = new Map<NodeInfo, number>();
  readonly #domains = new Map<string, Map<string, number>>();

  add(node: NodeInfo, amount: number): void {
    const sum = (this.#nodes.get(node) ?? 0) + amount;
    if (sum === 0) this.#nodes.delete(node);
    else this.#nodes.set(node, sum);
    if (!node.present) return;
    for (const [key, values] of this.#domains) addTo(values, node.labels[key], amount);
  }

  get empty(): boolean {
    return this.#nodes.size === 0;
  }

  on(node: NodeInfo): number {
    return this.#nodes.get(node) ?? 0;
  }

  /** By the nodes' values of that label; nodes without it don't count. Must not be changed, and changes with the next pod. */
  domains(key: string): ReadonlyMap<string, number> {
    if (this.#nodes.size === 0) return none;
    let values = this.#domains.get(key);
    if (!values) {
      values = new Map();
      for (const [node, count] of this.#nodes) if (node.present) addTo(values, node.labels[key], count);
      this.#domains.set(key, values);
    }
    return values;
  }

  /** Nodes came, went, or have other labels. */
  forgetDomains(): void {
    this.#domains.clear();
  }
}

function addTo(values: Map<string, number>, value: string | undefined, amount: number): void {
  if (value === undefined) return;
  const sum = (values.get(value) ?? 0) + amount;
  if (sum === 0) values.delete(value);
  else values.set(value, sum);
}
