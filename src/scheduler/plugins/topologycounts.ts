/** Counters by topology key and value: `topology.kubernetes.io/zone` → `a` → 3. */
import type { NodeInfo } from '../state/nodeinfo.ts';

export class TopologyCounts {
  readonly #counts = new Map<string, Map<string, number>>();

  /** Counts at the node's value of the key; a node without that label does not count. */
  add({ labels }: NodeInfo, key: string, amount: number): void {
    const value = labels[key];
    if (value === undefined) return;
    let values = this.#counts.get(key);
    if (!values) {
      values = new Map();
      this.#counts.set(key, values);
    }
    const sum = (values.get(value) ?? 0) + amount;
    if (sum !== 0) values.set(value, sum);
    else if (values.delete(value) && values.size === 0) this.#counts.delete(key);
  }

  at(key: string, value: string): number {
    return this.#counts.get(key)?.get(value) ?? 0;
  }

  get empty(): boolean {
    return this.#counts.size === 0;
  }

  keys(): IterableIterator<string> {
    return this.#counts.keys();
  }

  clone(): TopologyCounts {
    const copy = new TopologyCounts();
    for (const [key, values] of this.#counts) copy.#counts.set(key, new Map(values));
    return copy;
  }
}
