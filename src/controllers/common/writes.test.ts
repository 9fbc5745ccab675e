import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap } from '../../api/core/v1/types.gen.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import type { Informer, InformerHandlers } from '../../client/informer.ts';
import { trackOwnWrites } from './writes.ts';

const map = (name: string, resourceVersion: string): ConfigMap => ({ metadata: { name, namespace: 'n', uid: `uid-${name}`, resourceVersion } });

/** What an informer shows, moved by hand. */
function makeInformer() {
  const objects = new Map<string, ConfigMap>();
  let handlers: InformerHandlers<ConfigMap> = {};
  const addHandlers = (added: InformerHandlers<ConfigMap>): void => {
    handlers = added;
  };
  const informer = { getByKey: (key: string) => objects.get(key), addHandlers };
  return {
    informer: informer as unknown as Informer<ConfigMap>,
    show(object: ConfigMap) {
      const old = objects.get(keyOf(object));
      objects.set(keyOf(object), object);
      if (old) handlers.updated?.(object, old);
      else handlers.added?.(object, false);
    },
    drop(object: ConfigMap) {
      objects.delete(keyOf(object));
      handlers.deleted?.(object);
    },
    list: () => [...objects.values()],
  };
}

const versions = (objects: ConfigMap[]): string[] => objects.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`);

test('what was written stands until the informer has caught up', () => {
  const shown = makeInformer();
  const writes = trackOwnWrites(shown.informer);
  const seen = (): string[] => versions(writes.apply(shown.list(), () => true));
  writes.wrote(map('a', '5'));
  assert.deepEqual(seen(), ['a@5']);
  shown.show(map('a', '4'));
  assert.deepEqual(seen(), ['a@5']);
  shown.show(map('a', '6'));
  assert.deepEqual(seen(), ['a@6']);
  writes.deleted(map('a', '6'));
  assert.deepEqual(seen(), []);
  shown.drop(map('a', '6'));
  shown.show({ metadata: { ...map('a', '9').metadata, uid: 'another' } });
  assert.deepEqual(seen(), ['a@9']);
});

test('what the informer never shows is not believed for ever', () => {
  const shown = makeInformer();
  let time = 0;
  const writes = trackOwnWrites(shown.informer, () => time);
  writes.wrote(map('a', '5'));
  time = 61_000;
  assert.deepEqual(versions(writes.apply([], () => true)), []);
});
