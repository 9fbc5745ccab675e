/**
 * Typed verbs over a transport: what controllers, scheduler, kubelet, proxy and DNS use to talk to the API.
 * A resource handle is made once (`client.resource(deployments)`) and has one method per verb.
 */
import type { KubeList, KubeObject } from '../apimachinery/meta.ts';

/** What names a resource: any kind declaration of `src/api` is one. */
export interface ResourceRef<T extends KubeObject = KubeObject> {
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  /** Reads (`get`, `list`, `watch`) answer with the metadata alone, as `PartialObjectMetadata`. */
  metadataOnly?: boolean;
  /** Carries the object's type; never present. */
  readonly $type?: T;
}

export interface ListQuery {
  labelSelector?: string;
  fieldSelector?: string;
  resourceVersion?: string;
  resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  limit?: number;
  continue?: string;
}

export interface WatchQuery extends ListQuery {
  allowWatchBookmarks?: boolean;
  sendInitialEvents?: boolean;
  timeoutSeconds?: number;
  /** Objects come without `metadata.managedFields`: that spares the client half of the decoding. No part of the request. */
  withoutManagedFields?: boolean;
}

export interface WriteQuery {
  dryRun?: boolean;
  fieldManager?: string;
  fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
}

export interface DeleteQuery {
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: boolean;
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export type WatchEvent<T extends KubeObject> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; object: T }
  | { type: 'ERROR'; object: unknown };

/**
 * The verbs of one resource. `namespace` is `''` for a cluster-scoped resource, and on list and watch for all namespaces.
 * Failures are `StatusError` (see `apimachinery/errors.ts`); a server that can't be reached throws whatever the transport throws.
 */
export interface ResourceClient<T extends KubeObject> {
  readonly ref: ResourceRef<T>;
  get(namespace: string, name: string, query?: { resourceVersion?: string }): Promise<T>;
  list(namespace: string, query?: ListQuery): Promise<KubeList<T>>;
  create(object: T, query?: WriteQuery): Promise<T>;
  update(object: T, query?: WriteQuery): Promise<T>;
  updateStatus(object: T, query?: WriteQuery): Promise<T>;
  patch(namespace: string, name: string, type: PatchType, patch: unknown, query?: WriteQuery & { subresource?: string; force?: boolean }): Promise<T>;
  /** The object as it stood, with `deletionTimestamp` when it stays for a while. */
  delete(namespace: string, name: string, query?: DeleteQuery): Promise<KubeObject>;
  deleteCollection(namespace: string, query?: ListQuery & DeleteQuery): Promise<void>;
  /** Ends when the server ends it or `signal` aborts; an `ERROR` event is thrown as `StatusError`. */
  watch(namespace: string, query: WatchQuery, signal: AbortSignal): AsyncIterable<WatchEvent<T>>;
  /** `POST`/`GET`/`PUT` on a subresource with bodies of other kinds: binding, token, eviction, scale, … */
  subresource<R extends KubeObject>(
    method: 'GET' | 'POST' | 'PUT',
    namespace: string,
    name: string,
    subresource: string,
    body?: unknown,
    query?: WriteQuery,
  ): Promise<R>;
}

export interface Client {
  resource<T extends KubeObject>(ref: ResourceRef<T>): ResourceClient<T>;
  /** A request that is no resource verb: `/version`, discovery, `/readyz`. */
  raw(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<unknown>;
  close(): Promise<void>;
}
