/** How many watches are open on what, so that the cost of a write can be told. */
import type { RequestInfo } from '../contracts.ts';

/** A field by which watches are found without looking at each: one that selects by it costs the others nothing. */
export type IndexedFields = Readonly<Record<string, string>>;

const keyOf = ({ group, resource }: RequestInfo, namespace: string, name: string): string => `${group}/${resource}/${namespace}/${name}`;

export class WatchCounts {
  readonly #counts = new Map<string, number>();
  readonly #indexed: IndexedFields;

  /** `indexed`: by resource as `pods` or `deployments.apps`. */
  constructor(indexed: IndexedFields = {}) {
    this.#indexed = indexed;
  }

  /** Counts a watch until what it gives is called. */
  open(info: RequestInfo): () => void {
    const field = this.#indexed[info.group === '' ? info.resource : `${info.resource}.${info.group}`];
    if (field !== undefined && info.fieldSelector.split(',').some((one) => new RegExp(`^${field.replaceAll('.', '\\.')}==?[^=]`).test(one))) return () => {};
    const key = keyOf(info, info.namespace, info.name);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left > 0) this.#counts.set(key, left);
      else this.#counts.delete(key);
    };
  }

  /** Of everything, of the namespace, and of the object that a write is about. */
  of(info: RequestInfo): number {
    const { namespace, name } = info;
    const count = (ns: string, of: string): number => this.#counts.get(keyOf(info, ns, of)) ?? 0;
    return count('', '') + (namespace === '' ? 0 : count(namespace, '')) + (name === '' ? 0 : count(namespace, name));
  }
}
