/**
 * The declaration of a kind: everything that is particular to it, read by generic modules that know no kind by name.
 * One file per kind, `src/api/<group>/<version>/<kind>.ts`, exports one `defineKind({...})`; `src/api/index.ts` lists them.
 */
import type { FieldError } from '../apimachinery/fieldpath.ts';
import type { KubeObject } from '../apimachinery/meta.ts';

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

export const allVerbs: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

export interface UserInfo {
  username: string;
  uid?: string;
  groups: string[];
  extra?: Record<string, string[]>;
}

/** What a kind's functions may know of the request that they serve. */
export interface StrategyContext {
  user: UserInfo;
  /** The version that the request speaks, e.g. `events.k8s.io/v1`; functions are always given the stored version. */
  apiVersion: string;
  namespace: string;
  now: Date;
  dryRun: boolean;
  /** Adds a `Warning:` header to the answer. */
  warn(message: string): void;
}

/**
 * The life of an object on its way into the store. Functions mutate the object that they are given (it is the request's own)
 * and return nothing, or return errors. Order on create: `setDefaults`, mutating admission, `setDefaults` again,
 * `prepareForCreate`, `validate`, validating admission. On update the same with the `…Update` forms.
 */
export interface Strategy<T extends KubeObject> {
  /** Clears what a client may not set on create (status, …) and fills in what the server owns. */
  prepareForCreate?(object: T, context: StrategyContext): void;
  /** All that is wrong with the object as it stands; `metadata` is validated by the generic code. */
  validate?(object: T, context: StrategyContext): FieldError[];
  /** Copies from `old` what this endpoint may not change. The generic code keeps `status` for kinds with that subresource. */
  prepareForUpdate?(object: T, old: T, context: StrategyContext): void;
  /** What is wrong with the change. `validate` is not run implicitly: call it where upstream validates the whole again. */
  validateUpdate?(object: T, old: T, context: StrategyContext): FieldError[];
  /**
   * Dotted paths that writes through this endpoint never change, so that nobody comes to own them by such a write. Absent means
   * `status` for a kind with that subresource, and for `status` itself all that is neither `status` nor `metadata`.
   */
  resetFields?: readonly string[];
  /** Text for `Warning:` headers; `old` is absent on create. */
  warnings?(object: T, old: T | undefined, context: StrategyContext): string[];
}

/** `status`, and any other subresource that is a view of the same object: an update writes through it. */
export interface ObjectSubresource<T extends KubeObject> extends Strategy<T> {
  type: 'object';
  verbs: readonly ('get' | 'patch' | 'update')[];
}

/** `scale`: a view of three fields as `autoscaling/v1 Scale`. Paths are dotted, without a leading dot. */
export interface ScaleSubresource {
  type: 'scale';
  specReplicasPath: string;
  statusReplicasPath: string;
  /** Where the selector stands: a string, a label map, or a LabelSelector. */
  selectorPath?: string;
  /** What `spec.replicas` counts as when it is absent. */
  defaultReplicas?: number;
}

/** Served by a handler that the API server registers for it: `exec`, `log`, `binding`, `token`, `approval`, … */
export interface CustomSubresource {
  type: 'custom';
  verbs: readonly string[];
  /** The kind of request and response bodies, as discovery shows it. */
  responseKind: { group: string; version: string; kind: string };
  /** The struct whose fields a read takes as query parameters; connections take those of their own kind. */
  query?: string;
  /** What is read is text, and no object. */
  producesText?: boolean;
  /** Of what clients leave out of a request. */
  setDefaults?(body: KubeObject): void;
}

export type Subresource<T extends KubeObject> = ObjectSubresource<T> | ScaleSubresource | CustomSubresource;

/** A column of `kubectl get`, as `meta/v1 Table` carries it. */
export interface Column<T extends KubeObject> {
  name: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  format?: 'name' | 'password' | string;
  description?: string;
  /** 0 is shown always, 1 and more with `-o wide`. */
  priority?: number;
  /** The cell; strings, numbers and booleans are shown as they are. `now` is for ages. */
  value(object: T, now: Date): string | number | boolean | null;
}

/** Another served version that is the same stored object: how to come from the hub and go to it. */
export interface Conversion<T extends KubeObject> {
  /** The declaration of the hub version, by `group/version/Kind` (`/v1/Event` for core). */
  hub: string;
  toHub(object: T): KubeObject;
  fromHub(object: KubeObject): T;
}

export interface KindDefinition<T extends KubeObject = any> extends Strategy<T> {
  /** `''` for the core group. */
  group: string;
  version: string;
  kind: string;
  /** Only where it is not `<kind>List`. */
  listKind?: string;
  plural: string;
  singular: string;
  shortNames?: readonly string[];
  categories?: readonly string[];
  namespaced: boolean;
  verbs: readonly Verb[];
  /** The version that upstream stores, where it is another: clients are told a hash of its name. */
  storedUpstreamAs?: string;
  /** The name of its struct in the schema table. */
  schema: string;
  /** Alpha and beta versions: known to the decoder, served only when switched on. */
  offByDefault?: boolean;
  /** Told to everybody who asks for this version, after `<apiVersion> <kind> is deprecated`: `in v1.19+`. */
  deprecated?: string;
  /** The whole of what is told, where the declaration has words of its own. */
  deprecationWarning?: string;
  /** Finalizers without a domain need not be Kubernetes' own. */
  anyFinalizers?: boolean;
  /** Carries the object's type to a client; never present. */
  readonly $type?: T;
  /** Handled by the API server without being stored (TokenReview, SubjectAccessReview, …): only `create`. */
  virtual?: boolean;
  setDefaults?(object: T): void;
  /** `metadata.generation` counts changes to anything outside `metadata` and `status`. */
  hasGeneration?: boolean;
  subresources?: Readonly<Record<string, Subresource<T>>>;
  /** Besides `metadata.name` and `metadata.namespace`. */
  selectableFields?: Readonly<Record<string, (object: T) => string>>;
  columns?: readonly Column<T>[];
  conversion?: Conversion<T>;
  /** PUT to a name that does not exist creates it. */
  allowCreateOnUpdate?: boolean;
  /** PUT without `resourceVersion` overwrites; upstream allows it for most kinds, so absent means yes. */
  allowUnconditionalUpdate?: boolean;
  /**
   * Graceful deletion: seconds until the object may vanish, given what the client asked for; 0 or absent deletes at once.
   * May change the object (pods that were never scheduled get 0).
   */
  gracePeriodSeconds?(object: T, requested: number | undefined): number;
  /** Whether something of the kind's own holds up deletion, e.g. a namespace's `spec.finalizers`. May change the object, which is then kept. */
  finalizeOnDelete?(object: T): boolean;
  /** What deletion does with dependents when nobody says: absent means to delete them in the background; `unsupported` knows no policies (events). */
  garbageCollection?: 'orphan' | 'unsupported';
  /** What a client is told that deletes without saying what becomes of the dependents, where these survive. */
  orphanWarning?: string;
  /** DELETE answers with the object as it last stood instead of a `Status`. */
  returnsDeletedObject?: boolean;
  /** Seconds after which the store forgets the object (events). */
  ttlSeconds?(object: T): number;
  /** How `metadata.name` is validated; absent means a DNS-1123 subdomain. Returns what is wrong. */
  validateName?(name: string, isPrefix: boolean): string[];
}

/** Fixes the kind's type, and is the place where a declaration is checked for what types can't say. */
export function defineKind<T extends KubeObject>(definition: KindDefinition<T>): KindDefinition<T> {
  return definition;
}
