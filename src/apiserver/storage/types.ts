import type { Logger } from 'pino';
import type { StrategyContext } from '../../api/kind.ts';
import type { CacheEntry, Cacher } from '../cacher/cacher.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import type { RequestContext } from '../context.ts';
import type { AdmissionPlugin } from '../contracts.ts';
import type { KindRegistry, Resource } from '../registry.ts';
import type { WriteOptions } from './options.ts';

/** What the verbs work with. */
export interface Storage {
  cacher: Cacher;
  registry: KindRegistry;
  admission: readonly AdmissionPlugin[];
  log: Logger | undefined;
}

/** One write: who, to what, how. */
export interface WriteRequest {
  context: RequestContext;
  resource: Resource;
  namespace: string;
  /** Empty on a create, where the object names itself. */
  name: string;
  subresource: string;
  options: WriteOptions;
  /** CreateOptions, UpdateOptions or PatchOptions, for admission. */
  admissionOptions: Record<string, unknown>;
  /** Who owns the fields that this write sets; empty leaves managed fields alone. */
  fieldManager: string;
}

/** What a write left behind. */
export interface Written {
  /** The object as it now stands (or would, on a dry run), under the stored version. */
  entry: CacheEntry;
  /** It did not exist before. */
  created: boolean;
  /** An update removed the last finalizer, so the object is gone. */
  deleted?: boolean;
}

export type { StoredObject };

export const keyFor = (resource: Resource, namespace: string, name: string): string =>
  resource.definition.namespaced ? `${resource.stored.prefix}${namespace}/${name}` : `${resource.stored.prefix}${name}`;

export const strategyContext = ({ resource, context, namespace, options }: WriteRequest): StrategyContext => ({
  user: context.user,
  apiVersion: resource.apiVersion,
  namespace,
  now: context.now,
  dryRun: options.dryRun,
  warn: context.warn,
});
