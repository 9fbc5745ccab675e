/** The values that nodes have of a label. */
import type { NodeInfo } from './nodeinfo.ts';

export interface LabelValues {
  /** Value → nodes that have it. */
  values: ReadonlyMap<string, number>;
  /** Every node has the label. */
  everywhere: boolean;
}

export function labelValues(nodes: readonly NodeInfo[], key: string): LabelValues {
  const values = new Map<string, number>();
  let count = 0;
  for (const { labels } of nodes) {
    const value = labels[key];
    if (value === undefined) continue;
    count++;
    values.set(value, (values.get(value) ?? 0) + 1);
  }
  return { values, everywhere: count === nodes.length };
}
