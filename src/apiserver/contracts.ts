/**
 * What the stages of the request pipeline hand to each other. Each stage is one module with one exported function;
 * `pipeline.ts` composes them in one visible place.
 */
import type { KindDefinition, UserInfo } from '../api/kind.ts';
import type { KubeObject } from '../apimachinery/meta.ts';

/** What a request is about, from its method and path alone (upstream's `RequestInfo`). */
export interface RequestInfo {
  isResourceRequest: boolean;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or the lower-case method of a non-resource request. */
  verb: string;
  path: string;
  query: URLSearchParams;
  apiPrefix: 'api' | 'apis' | '';
  group: string;
  version: string;
  namespace: string;
  resource: string;
  subresource: string;
  name: string;
  /** Path segments after the subresource (proxy). */
  parts: readonly string[];
  /** As given, for authorization of list and watch. */
  fieldSelector: string;
  labelSelector: string;
}

/** What a client certificate says. */
export interface PeerCertificate {
  commonName: string;
  organizations: string[];
  /** DER. */
  raw: Uint8Array;
  /** TLS could not verify it against the client CAs: whoever shows it is refused, unless another credential is good. */
  unverified?: boolean;
}

/** What authentication may look at. */
export interface Credentials {
  /** Lower-case names; repeated headers joined with `, `. */
  headers: Readonly<Record<string, string | undefined>>;
  peerCertificate?: PeerCertificate;
  remoteAddress: string;
  /** Path of the request without its query: anonymous requests may be let in by path. */
  path?: string;
  /** Set by an in-process transport: the caller is already known. */
  identity?: UserInfo;
}

/** Undefined when the credentials say nothing that this authenticator understands; throws a 401 `StatusError` when they are wrong. */
export type Authenticator = (credentials: Credentials, audiences?: readonly string[]) => Promise<{ user: UserInfo; audiences?: string[] } | undefined>;

/** One question to an authorizer. */
export interface AuthorizationAttributes {
  user: UserInfo;
  verb: string;
  isResourceRequest: boolean;
  group: string;
  version: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  path: string;
  fieldSelector?: string;
  labelSelector?: string;
}

export interface Decision {
  decision: 'allow' | 'deny' | 'no-opinion';
  reason: string;
  /** A rule could not be evaluated; shown to the user beside a denial. */
  error?: string;
}

export type Authorizer = (attributes: AuthorizationAttributes) => Promise<Decision> | Decision;

export interface AdmissionAttributes {
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  /** The kind of the resource that is addressed. */
  definition: KindDefinition;
  subresource: string;
  namespace: string;
  /** Empty while a name is still to be generated. */
  name: string;
  /** What will be written; plugins of the mutating phase change it in place. Absent on DELETE. */
  object?: KubeObject;
  /** What stands; absent on CREATE. */
  oldObject?: KubeObject;
  /** CreateOptions, UpdateOptions, DeleteOptions, or PodExecOptions and the like. */
  options: Record<string, unknown>;
  user: UserInfo;
  dryRun: boolean;
  warn(message: string): void;
  /** For the audit log. */
  annotate(key: string, value: string): void;
}

/** A rejection is a thrown `StatusError`, most often `forbidden(...)`. */
export interface AdmissionPlugin {
  /** As upstream names it: `ServiceAccount`, `LimitRanger`, … */
  name: string;
  handles(attributes: AdmissionAttributes): boolean;
  /** It hands the whole object to somebody else, its managed fields too. */
  readonly showsObjects?: true;
  admit?(attributes: AdmissionAttributes): Promise<void> | void;
  validate?(attributes: AdmissionAttributes): Promise<void> | void;
}

/**
 * Read access to stored objects from inside the server (admission, authorization): served from the watch cache, decoded and frozen.
 * Made by the storage layer, given to plugins; no HTTP, no authorization.
 */
export interface ObjectReader {
  get<T extends KubeObject>(definition: KindDefinition<T>, namespace: string, name: string): Promise<T | undefined>;
  list<T extends KubeObject>(definition: KindDefinition<T>, namespace?: string): Promise<readonly T[]>;
  /**
   * Calls back after every change to the kind (coalesced), for plugins that keep an index of their own.
   * `mention`: of objects whose JSON does not contain this text the listener need not hear, which spares decoding them.
   */
  onChange<T extends KubeObject>(definition: KindDefinition<T>, listener: (type: 'put' | 'delete', object: T) => void, mention?: string): void;
}

/**
 * Behaviour of one resource that no declaration can express, run by the generic storage around its writes:
 * allocation of cluster IPs and node ports, quota of tokens, … Registered in `resources/index.ts`.
 */
export interface ResourceHooks<T extends KubeObject = KubeObject> {
  /** After validation, before the store. Gives what undoes it when the write fails, or what to do when it succeeded. */
  beginWrite?(object: T, old: T | undefined, dryRun: boolean): Promise<{ commit?(): void; rollback?(): Promise<void> | void } | void>;
  afterDelete?(object: T): Promise<void> | void;
}

/** A request for a virtual resource or a custom subresource, decoded and defaulted, after mutating admission. */
export interface CustomRequest<T extends KubeObject = any> {
  user: UserInfo;
  namespace: string;
  /** Of the object that a subresource belongs to; empty for a virtual resource. */
  name: string;
  body: T;
  dryRun: boolean;
  now: Date;
  warn(message: string): void;
  annotate(key: string, value: string): void;
}

/** What serves a virtual resource (`subresource` is empty) or a custom subresource. Failures are thrown `StatusError`s. */
export interface CustomHandler {
  group: string;
  version: string;
  resource: string;
  subresource: string;
  verb: string;
  handle(request: CustomRequest): Promise<KubeObject>;
}
