/** What a status endpoint leaves alone in `metadata`. */
import type { KubeObject } from '../apimachinery/meta.ts';

const kept = ['deletionTimestamp', 'generation', 'selfLink', 'labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

/** Copies everything from `old` that a client may set in `metadata`, but for the managed fields. */
export function keepMetadata(object: KubeObject, old: KubeObject): void {
  const target = object.metadata as unknown as Record<string, unknown>;
  for (const field of kept) {
    if (old.metadata[field] === undefined) delete target[field];
    else target[field] = old.metadata[field];
  }
}
