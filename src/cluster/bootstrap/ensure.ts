/** Makes what is missing and reconciles what stands, many objects at once. */
import { isDeepStrictEqual } from 'node:util';
import { isAlreadyExists, isConflict, isNotFound } from '../../apimachinery/errors.ts';
import { type KubeObject, keyOf } from '../../apimachinery/meta.ts';
import type { Client, ResourceRef } from '../../client/client.ts';
import type { Reconciled } from './reconcile.ts';

type Reconcile<T> = (existing: T, expected: T) => Reconciled<T>;
const leaveAlone = (): undefined => undefined;
const attempts = 4;

/** One list, then a write for every object that differs. Objects that stand are left alone unless `reconcile` says otherwise. */
export async function ensureAll<T extends KubeObject>(
  client: Client,
  ref: ResourceRef<T>,
  expected: readonly T[],
  reconcile: Reconcile<T> = leaveAlone,
): Promise<void> {
  const resource = client.resource(ref);
  const { items } = await resource.list('');
  const standing = new Map(items.map((object) => [keyOf(object), object]));

  async function ensure(object: T): Promise<void> {
    const { namespace = '', name } = object.metadata;
    let existing = standing.get(keyOf(object));
    for (let attempt = 1; ; attempt++) {
      try {
        if (!existing) return void (await resource.create(object));
        const change = reconcile(existing, object);
        if (!change) return;
        if ('replace' in change) return void (await resource.update(change.replace));
        await resource.delete(namespace, name, { preconditions: { uid: existing.metadata.uid ?? '' } });
        existing = undefined;
      } catch (error) {
        // Another server of the same cluster does the same at the same time.
        if (attempt === attempts || !(isAlreadyExists(error) || isConflict(error) || isNotFound(error))) throw error;
        existing = await resource.get(namespace, name).catch((missing: unknown) => {
          if (isNotFound(missing)) return undefined;
          throw missing;
        });
      }
    }
  }

  await Promise.all(expected.map(ensure));
}

/** Sets the entries of `data` that are expected; others stay. */
export function mergeData<T extends KubeObject & { data?: Record<string, string> }>(existing: T, expected: T): Reconciled<T> {
  const wanted = { ...existing, data: { ...existing.data, ...expected.data } };
  return isDeepStrictEqual(existing, wanted) ? undefined : { replace: wanted };
}
