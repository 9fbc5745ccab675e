/**
 * The contract of a controller. One file per controller exports one `defineController({...})`;
 * `src/controllers/index.ts` lists them, and the manager (`manager.ts`) runs them.
 * `reconcile(key)` is level-triggered and idempotent: it reads caches, compares, and writes through the client.
 */
import type { Logger } from 'pino';
import type { KubeObject } from '../apimachinery/meta.ts';
import type { Client, ResourceRef } from '../client/client.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer, InformerFactory } from '../client/informer.ts';

/** What came of a reconcile: nothing more to do, or look again after a while. A thrown error is retried with back-off. */
export type ReconcileResult = void | { requeueAfterMs: number };

export interface ControllerContext {
  client: Client;
  informers: InformerFactory;
  /** Records events as `source.component` = the controller's name. */
  events: EventRecorder;
  log: Logger;
  now(): Date;
  /** Aborted when the controller must stop. */
  signal: AbortSignal;
  /** Cluster-wide settings that several controllers need (service CIDRs, root CA, signing keys by file, …). */
  settings: Readonly<Record<string, unknown>>;
}

export interface Enqueue {
  (key: string): void;
  after(key: string, milliseconds: number): void;
}

/** A controller that is running: how it treats one key. */
export interface RunningController {
  reconcile(key: string): Promise<ReconcileResult>;
  stop?(): Promise<void>;
}

/** As `identity`: the controller writes with the rights of the manager itself. */
export const managerIdentity = 'system:kube-controller-manager';

export interface ControllerDefinition {
  /** As upstream names it: `replicaset-controller`, `garbage-collector-controller`, … */
  name: string;
  /** The service account with whose rights it writes, where upstream's is not called as the controller. */
  identity?: string;
  /** `source.component` of its events, where upstream's is not called as the controller. */
  eventSource?: string;
  /** Runs only where it is named. */
  offByDefault?: boolean;
  /** How many keys are reconciled at once. */
  concurrency?: number;
  /** Registers informers, indices and handlers (which call `enqueue`), and gives the reconciler. Called once, before informers start. */
  setup(context: ControllerContext, enqueue: Enqueue): RunningController | Promise<RunningController>;
}

export function defineController(definition: ControllerDefinition): ControllerDefinition {
  return definition;
}

/** Shorthand for handlers that enqueue the object's own key on every change. */
export function enqueueSelf<T extends KubeObject>(informer: Informer<T>, enqueue: Enqueue, keyOf: (object: T) => string): void {
  informer.addHandlers({
    added: (object) => enqueue(keyOf(object)),
    updated: (object) => enqueue(keyOf(object)),
    deleted: (object) => enqueue(keyOf(object)),
  });
}

export type { Client, ResourceRef };
