/** Claims and volumes as informers show them, with what the scheduler has decided and not yet seen come back on top. */
import { type KubeObject, keyOf } from '../../apimachinery/meta.ts';
import type { Informer } from '../../client/informer.ts';
import type { Reader } from '../framework/plugin.ts';

export interface AssumedReader<T extends KubeObject> extends Reader<T> {
  /** Shows this object until the informer has one that is newer than the one it was made from; also one that is yet to be made. */
  assume(object: T): void;
  /** Shows again what the informer has. */
  restore(key: string): void;
  /** What the informer has. */
  observed(key: string): T | undefined;
}

/** Resource versions are opaque to clients, save that 1.35 and later let them be compared as numbers (KEP-5504). */
export const isOlder = (a: KubeObject, b: KubeObject): boolean => BigInt(a.metadata.resourceVersion || 0) < BigInt(b.metadata.resourceVersion || 0);

export function createAssumedReader<T extends KubeObject>(informer: Informer<T>): AssumedReader<T> {
  const assumed = new Map<string, T>();
  const current = (object: T): T => assumed.get(keyOf(object)) ?? object;
  informer.addHandlers({
    updated(object) {
      const key = keyOf(object);
      const ours = assumed.get(key);
      if (ours && isOlder(ours, object)) assumed.delete(key);
    },
    deleted: (object) => void assumed.delete(keyOf(object)),
  });
  return {
    get(namespace, name) {
      const object = informer.get(namespace, name);
      return object && current(object);
    },
    list(namespace) {
      if (assumed.size === 0) return informer.list(namespace);
      const unknown = [...assumed].filter(([key, { metadata }]) => !informer.getByKey(key) && (!namespace || metadata.namespace === namespace));
      return [...informer.list(namespace).map(current), ...unknown.map(([, object]) => object)];
    },
    assume: (object) => void assumed.set(keyOf(object), object),
    restore: (key) => void assumed.delete(key),
    observed: (key) => informer.getByKey(key),
  };
}
