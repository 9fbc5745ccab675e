/** Counters by topology key and value (`topology.kubernetes.io/zone` → `a` → 3): what is counted already, and changes to try out on top. */
import type { NodeInfo } from '../state/nodeinfo.ts';

type Values = ReadonlyMap<string, number>;

interface Base {
  key: string;
  values: Values;
  factor: number;
}

export class TopologyCounts {
  readonly #bases: Base[] = [];
  readonly #changes = new Map<string, Map<string, number>>();
  #empty: boolean | undefined;
  #keys: readonly string[] | undefined;

  /** Counts these too, each `factor` times. */
  include(key: string, values: Values, factor = 1): void {
    if (values.size > 0) this.#bases.push({ key, values, factor });
    this.#empty = undefined;
    this.#keys = undefined;
  }

  /** Counts at the node's value of the key; a node without that label does not count. */
  add({ labels }: NodeInfo, key: string, amount: number): void {
    const value = labels[key];
    if (value === undefined) return;
    let values = this.#changes.get(key);
    if (!values) {
      values = new Map();
      this.#changes.set(key, values);
      this.#keys = undefined;
    }
    const sum = (values.get(value) ?? 0) + amount;
    if (sum === 0) values.delete(value);
    else values.set(value, sum);
    this.#empty = undefined;
  }

  at(key: string, value: string): number {
    let sum = this.#changes.get(key)?.get(value) ?? 0;
    for (let i = 0; i < this.#bases.length; i++) {
      const base = this.#bases[i]!;
      if (base.key === key) sum += (base.values.get(value) ?? 0) * base.factor;
    }
    return sum;
  }

  /** Nothing is counted anywhere. */
  get empty(): boolean {
    this.#empty ??= this.#isEmpty();
    return this.#empty;
  }

  #isEmpty(): boolean {
    for (const { key, values } of this.#bases) for (const value of values.keys()) if (this.at(key, value) !== 0) return false;
    for (const [key, values] of this.#changes) for (const value of values.keys()) if (this.at(key, value) !== 0) return false;
    return true;
  }

  keys(): readonly string[] {
    this.#keys ??= [...new Set([...this.#bases.map(({ key }) => key), ...this.#changes.keys()])];
    return this.#keys;
  }

  clone(): TopologyCounts {
    const copy = new TopologyCounts();
    copy.#bases.push(...this.#bases);
    for (const [key, values] of this.#changes) copy.#changes.set(key, new Map(values));
    return copy;
  }
}
