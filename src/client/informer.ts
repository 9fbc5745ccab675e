/**
 * The contract of an informer: a local, indexed copy of a resource, kept by list and watch, with handlers for changes.
 */
import type { KubeObject } from '../apimachinery/meta.ts';
import type { ResourceRef } from './client.ts';

export interface InformerHandlers<T extends KubeObject> {
  /** `initial` is true for what the first list brought. */
  added?(object: T, initial: boolean): void;
  updated?(object: T, old: T): void;
  /** The last known state. */
  deleted?(object: T): void;
}

/** Objects in the cache are shared and frozen in spirit: copy (`structuredClone`) before changing one. */
export interface Lister<T extends KubeObject> {
  get(namespace: string, name: string): T | undefined;
  getByKey(key: string): T | undefined;
  /** All of them, or those of one namespace. */
  list(namespace?: string): T[];
  /** Objects for which the index function of that name gave `value`. */
  byIndex(index: string, value: string): T[];
}

export interface Informer<T extends KubeObject> extends Lister<T> {
  readonly ref: ResourceRef<T>;
  addHandlers(handlers: InformerHandlers<T>): void;
  /** Before the informer starts. A function gives the values under which an object is found. */
  addIndex(name: string, values: (object: T) => string[]): void;
  /** The first list is in the cache and its handlers have run. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
}

export interface InformerOptions<T extends KubeObject> {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Drops what the component does not read, before the object enters the cache. */
  transform?(object: T): T;
}

/** One informer per resource and options, shared by all who ask. */
export interface InformerFactory {
  informer<T extends KubeObject>(ref: ResourceRef<T>, options?: InformerOptions<T>): Informer<T>;
  /** One of the whole resource that somebody asked for already: who needs less of the objects shares it rather than watch again. */
  existing(ref: ResourceRef): Informer<KubeObject> | undefined;
  /** Starts all that were asked for and are not running; resolves when all have synced. */
  start(): Promise<void>;
  stop(): Promise<void>;
}
