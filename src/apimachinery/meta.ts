/**
 * What every API object shares: the type and object metadata of `meta/v1`, as plain JSON-shaped values.
 * Source of the rule: Kubernetes API conventions, "Objects".
 */

/** An RFC 3339 time with whole seconds, as `metav1.Time` is encoded: `2026-01-02T03:04:05Z`. */
export type Time = string;
/** An RFC 3339 time with microseconds, as `metav1.MicroTime` is encoded. */
export type MicroTime = string;

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: 'Apply' | 'Update' | string;
  apiVersion?: string;
  time?: Time;
  fieldsType?: string;
  fieldsV1?: Record<string, unknown>;
  subresource?: string;
}

export interface ObjectMeta {
  /** Empty in an object that a client sends with `generateName` alone. */
  name: string;
  generateName?: string;
  namespace?: string;
  selfLink?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: Time;
  deletionTimestamp?: Time;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFieldsEntry[];
}

export interface ListMeta {
  selfLink?: string;
  resourceVersion?: string;
  continue?: string;
  remainingItemCount?: number;
}

/** Any API object. Generated kinds (`src/api/<group>/<version>/types.gen.ts`) are assignable to it. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** A list as `GET` on a collection answers it. */
export interface KubeList<T extends KubeObject = KubeObject> {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: T[];
}

export interface LabelSelectorRequirement {
  key: string;
  operator: string;
  values?: string[];
}

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: LabelSelectorRequirement[];
}

export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/** `apps` + `v1` → `apps/v1`; the core group (`''`) + `v1` → `v1`. */
export const apiVersionOf = (group: string, version: string): string => (group === '' ? version : `${group}/${version}`);

/** Splits `apps/v1` or `v1`; more than one slash is an error. */
export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  if (slash < 0) return { group: '', version: apiVersion };
  if (apiVersion.indexOf('/', slash + 1) >= 0) throw new Error(`unexpected GroupVersion string: ${apiVersion}`);
  return { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** Written down anew only when the second is another: a server asks many times in one. */
let lastTime: { second: number; text: Time } = { second: Number.NaN, text: '' };

/** The current time as `metav1.Time`. */
export function timeOf(date: Date): Time {
  const second = Math.floor(date.getTime() / 1000);
  if (second !== lastTime.second) lastTime = { second, text: `${date.toISOString().slice(0, 19)}Z` };
  return lastTime.text;
}

/** The current time as `metav1.MicroTime`; JavaScript knows milliseconds, so the last three digits are zero. */
export const microTimeOf = (date: Date): MicroTime => date.toISOString().replace('Z', '000Z');

/** `namespace/name`, or `name` for a cluster-scoped object: the key of caches, work queues and log lines. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}

/** The inverse of {@link keyOf}. */
export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The owner reference that is marked `controller: true`, if there is one. */
export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((reference) => reference.controller === true);
