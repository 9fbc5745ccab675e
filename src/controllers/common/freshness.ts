/** Whether a cache already shows what a controller wrote itself: resource versions of one resource can be compared (KEP-5504). */
import type { KubeObject } from '../../apimachinery/meta.ts';

export interface Freshness {
  wrote(key: string, object: KubeObject): void;
  /** The object is older than what was written. */
  isStale(key: string, object: KubeObject): boolean;
  forget(key: string): void;
}

const versionOf = ({ metadata }: KubeObject): bigint => BigInt(metadata.resourceVersion ?? '0');

export function createFreshness(): Freshness {
  const written = new Map<string, KubeObject['metadata']>();
  return {
    wrote: (key, { metadata }) => void written.set(key, metadata),
    isStale(key, object) {
      const last = written.get(key);
      if (!last) return false;
      if (last.uid === object.metadata.uid && versionOf(object) < versionOf({ metadata: last })) return true;
      written.delete(key);
      return false;
    },
    forget: (key) => void written.delete(key),
  };
}
