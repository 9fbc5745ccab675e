/** How much of a resource is stored, without looking at all of it. */
import type { RequestInfo } from '../contracts.ts';
import type { KindRegistry } from '../registry.ts';

/** So many objects tell how large the others are. */
const sampleSize = 8;

/** Undefined for what is not stored here. */
export function storedSizes(registry: KindRegistry): (info: RequestInfo) => { objects: number; bytes: number } | undefined {
  return ({ group, version, resource }) => {
    const found = registry.find(group, version, resource);
    if (!found || found.definition.virtual) return undefined;
    const { entries } = found.stored.cache;
    let sampled = 0;
    let bytes = 0;
    for (const entry of entries.values()) {
      if (sampled === sampleSize) break;
      sampled++;
      bytes += entry.json.length;
    }
    return { objects: entries.size, bytes: sampled === 0 ? 0 : bytes / sampled };
  };
}
