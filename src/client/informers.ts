/** Informers: shared, indexed, always current copies of resources. The contract stands in `informer.ts`. */
import type { Logger } from 'pino';
import { type KubeObject, keyOf } from '../apimachinery/meta.ts';
import { createCache } from './cache.ts';
import type { Client, ResourceRef } from './client.ts';
import type { Informer, InformerFactory, InformerHandlers, InformerOptions } from './informer.ts';
import { type ReflectorTarget, runReflector } from './reflector.ts';

export interface InformerFactoryOptions {
  log?: Pick<Logger, 'warn' | 'error'>;
  /** For informers that are asked for without one of their own. */
  transform?<T extends KubeObject>(object: T): T;
}

interface Running<T extends KubeObject> {
  informer: Informer<T>;
  run(signal: AbortSignal): Promise<void>;
}

/** Makes a factory. `stop` leaves the caches readable; a stopped factory can't be started again. */
export function createInformerFactory(client: Client, { log = consoleLog, transform: common }: InformerFactoryOptions = {}): InformerFactory {
  const informers = new Map<string, Running<KubeObject>>();
  const whole = new Map<string, Informer<KubeObject>>();
  const transforms = new Map<unknown, number>();
  const stopping = new AbortController();
  const runs = new Map<string, Promise<void>>();
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve(), { once: true }));
  let started = false;

  /** Options that differ need a copy of their own; transforms are told apart by identity. */
  function idOf(ref: ResourceRef, { namespace = '', labelSelector = '', fieldSelector = '', transform }: InformerOptions<never>): string {
    if (transform && !transforms.has(transform)) transforms.set(transform, transforms.size + 1);
    return JSON.stringify([
      ref.group,
      ref.version,
      ref.plural,
      ref.metadataOnly ?? false,
      namespace,
      labelSelector,
      fieldSelector,
      transforms.get(transform) ?? 0,
    ]);
  }

  function launch(id: string, running: Running<KubeObject>): void {
    if (!runs.has(id)) runs.set(id, running.run(stopping.signal));
  }

  return {
    informer<T extends KubeObject>(ref: ResourceRef<T>, options: InformerOptions<T> = {}): Informer<T> {
      const id = idOf(ref as unknown as ResourceRef, options as InformerOptions<never>);
      const known = informers.get(id);
      if (known) return known.informer as unknown as Informer<T>;
      const created = createInformer(client, ref, common ? { transform: common, ...options } : options, log);
      informers.set(id, created as unknown as Running<KubeObject>);
      const { namespace, labelSelector, fieldSelector } = options;
      if (!ref.metadataOnly && !namespace && !labelSelector && !fieldSelector) whole.set(resourceOf(ref), created.informer as unknown as Informer<KubeObject>);
      if (started) launch(id, created as unknown as Running<KubeObject>);
      return created.informer;
    },
    existing: (ref) => whole.get(resourceOf(ref)),
    async start() {
      started = true;
      for (const [id, running] of informers) launch(id, running);
      await Promise.race([Promise.all([...informers.values()].map(({ informer }) => informer.synced)), stopped]);
    },
    async stop() {
      stopping.abort(new Error('the informers were stopped'));
      await Promise.all(runs.values());
    },
  };
}

const resourceOf = ({ group, version, plural }: ResourceRef): string => `${group}/${version}/${plural}`;

function createInformer<T extends KubeObject>(
  client: Client,
  ref: ResourceRef<T>,
  { namespace = '', labelSelector, fieldSelector, transform }: InformerOptions<T>,
  log: Pick<Logger, 'warn' | 'error'>,
): Running<T> {
  const cache = createCache<T>();
  const handlers: InformerHandlers<T>[] = [];
  const { promise: synced, resolve: setSynced } = Promise.withResolvers<void>();
  let hasSynced = false;

  /** A handler's bug is the handler's: it is logged, and the cache goes on. */
  function guarded(key: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      log.error({ err: error, resource: ref.plural, key }, 'informer handler failed');
    }
  }

  /** Keys not named yet in the list that is being received; only what the cache already held can vanish. */
  let missing: Set<string> | undefined;

  const target: ReflectorTarget<T> = {
    begin() {
      missing = new Set(cache.keys());
    },
    put(received) {
      // Read by no component, and often half of an object. An update without it keeps the server's. Watches spare us it.
      if (received.metadata.managedFields) delete received.metadata.managedFields;
      const object = transform ? transform(received) : received;
      const key = keyOf(object);
      missing?.delete(key);
      const old = cache.getByKey(key);
      if (old && sameRevision(old, object)) return;
      cache.put(object);
      for (const handler of handlers) {
        if (old) guarded(key, () => handler.updated?.(object, old));
        else guarded(key, () => handler.added?.(object, !hasSynced));
      }
    },
    remove(received) {
      const object = transform ? transform(received) : received;
      const key = keyOf(object);
      missing?.delete(key);
      if (!cache.remove(key)) return;
      for (const handler of handlers) guarded(key, () => handler.deleted?.(object));
    },
    end() {
      const vanished = missing ?? [];
      missing = undefined;
      for (const key of vanished) {
        const object = cache.remove(key)!;
        for (const handler of handlers) guarded(key, () => handler.deleted?.(object));
      }
      hasSynced = true;
      setSynced();
    },
  };

  const informer: Informer<T> = {
    ref,
    get: cache.get,
    getByKey: cache.getByKey,
    list: cache.list,
    byIndex: cache.byIndex,
    addIndex: cache.addIndex,
    addHandlers(added) {
      for (const object of cache.list()) guarded(keyOf(object), () => added.added?.(object, true));
      handlers.push(added);
    },
    synced,
    get hasSynced() {
      return hasSynced;
    },
  };

  return {
    informer,
    run: (signal) =>
      runReflector({
        resource: client.resource(ref),
        namespace,
        labelSelector,
        fieldSelector,
        target,
        signal,
        onError: (error, doing) => log.warn({ err: error, resource: ref.plural, group: ref.group }, `informer failed to ${doing}, trying again`),
      }),
  };
}

const sameRevision = (a: KubeObject, b: KubeObject): boolean =>
  a.metadata.resourceVersion !== undefined && a.metadata.resourceVersion === b.metadata.resourceVersion && a.metadata.uid === b.metadata.uid;

const consoleLog: Pick<Logger, 'warn' | 'error'> = {
  warn: (fields: unknown, text?: string) => console.warn(text, fields),
  error: (fields: unknown, text?: string) => console.error(text, fields),
};
