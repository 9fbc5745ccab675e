/** An informer's copy of a resource: objects by key, with indices that are kept up to date change by change. */
import { type KubeObject, keyOf } from '../apimachinery/meta.ts';
import type { Lister } from './informer.ts';

export interface Cache<T extends KubeObject> extends Lister<T> {
  addIndex(name: string, values: (object: T) => string[]): void;
  /** Gives what stood there before. */
  put(object: T): T | undefined;
  remove(key: string): T | undefined;
  keys(): IterableIterator<string>;
  readonly size: number;
}

interface Index<T> {
  values(object: T): string[];
  keys: Map<string, Set<string>>;
}

const noKeys: ReadonlySet<string> = new Set();

export function createCache<T extends KubeObject>(): Cache<T> {
  const objects = new Map<string, T>();
  const indices = new Map<string, Index<T>>();
  const namespaces: Index<T> = { values: (object) => [object.metadata.namespace ?? ''], keys: new Map() };
  const all = (): Index<T>[] => [namespaces, ...indices.values()];

  const insert = (index: Index<T>, key: string, value: string): void => {
    const keys = index.keys.get(value);
    if (keys) keys.add(key);
    else index.keys.set(value, new Set([key]));
  };
  const drop = (index: Index<T>, key: string, value: string): void => {
    const keys = index.keys.get(value);
    if (keys?.delete(key) && keys.size === 0) index.keys.delete(value);
  };

  function reindex(index: Index<T>, key: string, old: T | undefined, object: T | undefined): void {
    const before = old ? index.values(old) : [];
    const after = object ? index.values(object) : [];
    for (const value of before) if (!after.includes(value)) drop(index, key, value);
    for (const value of after) insert(index, key, value);
  }

  const found = (keys: ReadonlySet<string>): T[] => {
    const list: T[] = [];
    for (const key of keys) list.push(objects.get(key)!);
    return list;
  };

  return {
    get: (namespace, name) => objects.get(namespace === '' ? name : `${namespace}/${name}`),
    getByKey: (key) => objects.get(key),
    list: (namespace) => (namespace === undefined || namespace === '' ? [...objects.values()] : found(namespaces.keys.get(namespace) ?? noKeys)),
    byIndex(name, value) {
      const index = indices.get(name);
      if (!index) throw new Error(`no index ${JSON.stringify(name)}`);
      return found(index.keys.get(value) ?? noKeys);
    },
    addIndex(name, values) {
      if (indices.has(name)) throw new Error(`index ${JSON.stringify(name)} exists`);
      const index: Index<T> = { values, keys: new Map() };
      for (const [key, object] of objects) reindex(index, key, undefined, object);
      indices.set(name, index);
    },
    put(object) {
      const key = keyOf(object);
      const old = objects.get(key);
      objects.set(key, object);
      for (const index of all()) reindex(index, key, old, object);
      return old;
    },
    remove(key) {
      const old = objects.get(key);
      if (!old) return undefined;
      objects.delete(key);
      for (const index of all()) reindex(index, key, old, undefined);
      return old;
    },
    keys: () => objects.keys(),
    get size() {
      return objects.size;
    },
  };
}
