/** An `ObjectReader` over objects in memory, for tests of what reads through one. */
import type { KindDefinition } from '../../api/kind.ts';
import { type KubeObject, keyOf } from '../../apimachinery/meta.ts';
import type { ObjectReader } from '../contracts.ts';

export interface MemoryReader extends ObjectReader {
  put(definition: KindDefinition, object: KubeObject): void;
  remove(definition: KindDefinition, namespace: string, name: string): void;
}

const kindKey = ({ group, plural }: KindDefinition): string => `${group}/${plural}`;

export function createMemoryReader(): MemoryReader {
  const objects = new Map<string, Map<string, KubeObject>>();
  const listeners = new Map<string, ((type: 'put' | 'delete', object: KubeObject) => void)[]>();
  const of = (definition: KindDefinition): Map<string, KubeObject> => {
    const known = objects.get(kindKey(definition)) ?? new Map<string, KubeObject>();
    objects.set(kindKey(definition), known);
    return known;
  };
  const tell = (definition: KindDefinition, type: 'put' | 'delete', object: KubeObject): void => {
    for (const listener of listeners.get(kindKey(definition)) ?? []) listener(type, object);
  };
  return {
    async get<T extends KubeObject>(definition: KindDefinition<T>, namespace: string, name: string) {
      return of(definition).get(namespace === '' ? name : `${namespace}/${name}`) as T | undefined;
    },
    async list<T extends KubeObject>(definition: KindDefinition<T>, namespace?: string) {
      return [...of(definition).values()].filter((one) => !namespace || one.metadata.namespace === namespace) as T[];
    },
    onChange(definition, listener) {
      const key = kindKey(definition);
      listeners.set(key, [...(listeners.get(key) ?? []), listener as (type: 'put' | 'delete', object: KubeObject) => void]);
    },
    put(definition, object) {
      of(definition).set(keyOf(object), object);
      tell(definition, 'put', object);
    },
    remove(definition, namespace, name) {
      const key = namespace === '' ? name : `${namespace}/${name}`;
      const object = of(definition).get(key);
      of(definition).delete(key);
      if (object) tell(definition, 'delete', object);
    },
  };
}
