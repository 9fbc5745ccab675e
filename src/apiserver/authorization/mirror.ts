/** A synchronous copy of what an authorizer or admission plugin keeps of a kind, fed by an `ObjectReader`. */
import type { KindDefinition } from '../../api/kind.ts';
import { type KubeObject, keyOf } from '../../apimachinery/meta.ts';
import type { ObjectReader } from '../contracts.ts';

export interface MirrorHandlers<T extends KubeObject> {
  put(object: T): void;
  delete(object: T): void;
}

/**
 * Calls `put` for every object that exists and for every change, `delete` for every deletion, never with something older than what it gave.
 * Resolves when all that existed at the time of the call has been handed over. `mention`: see `ObjectReader.onChange`.
 */
export async function mirror<T extends KubeObject>(
  reader: ObjectReader,
  definition: KindDefinition<T>,
  handlers: MirrorHandlers<T>,
  mention?: string,
): Promise<void> {
  // While the list is under way, changes may overtake it: what they touched is newer than the list.
  let touched: Set<string> | undefined = new Set();
  const changed = (type: 'put' | 'delete', object: T): void => {
    touched?.add(keyOf(object));
    handlers[type](object);
  };
  reader.onChange(definition, changed, mention);
  for (const object of await reader.list(definition)) if (!touched.has(keyOf(object))) handlers.put(object);
  touched = undefined;
}
