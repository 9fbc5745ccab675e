/** One informer of metadata per resource that can be deleted, following what the server serves. */
import { type KubeObject, keyOf } from '../../apimachinery/meta.ts';
import type { ResourceRef } from '../../client/client.ts';
import type { Informer, InformerFactory } from '../../client/informer.ts';
import { createInformerFactory } from '../../client/informers.ts';
import { discover, resourceId, type ServedResource } from '../common/discovery.ts';
import { gvkOf } from '../common/ownership.ts';
import type { ControllerContext } from '../controller.ts';
import type { Graph } from './graph.ts';

export interface Monitors {
  /** Starts watching what is new, and stops with what is gone. Discovery that fails in part takes nothing away. */
  sync(): Promise<void>;
  /** Every resource has been read, or was given up waiting for. */
  readonly synced: boolean;
  /** The resource of a kind, whatever served version names it. */
  resourceOf(apiVersion: string, kind: string): ResourceRef | undefined;
  stop(): Promise<void>;
}

interface Monitor {
  informer: Informer<KubeObject>;
  version: string;
  started: number;
  /** Of a resource that no other controller watches. */
  factory?: InformerFactory;
}

/** Churn without owners or dependents. */
const ignored: ReadonlySet<string> = new Set(['/events', 'events.k8s.io/events']);
/** A resource that can't be read for so long (a broken conversion webhook) holds nobody up any more. */
const patienceMs = 30_000;

export function createMonitors({ client, informers, log }: Pick<ControllerContext, 'client' | 'informers' | 'log'>, graph: Graph): Monitors {
  const monitors = new Map<string, Monitor>();
  let kinds = new Map<string, ResourceRef>();
  let discovered = false;
  let stopped = false;

  function watch(ref: ResourceRef): Monitor {
    const shared = informers.existing(ref);
    const factory = shared ? undefined : createInformerFactory(client, { log });
    const informer = shared ?? factory!.informer<KubeObject>({ ...ref, metadataOnly: true }, { transform: slim });
    const monitor: Monitor = { informer, version: ref.version, started: performance.now(), ...(factory ? { factory } : {}) };
    const gvk = gvkOf(ref);
    const uidOf = (object: KubeObject): string => object.metadata.uid ?? '';
    informer.addHandlers({
      added: (object) => graph.observe(object, gvk),
      updated(object, old) {
        const replaced = uidOf(old) !== uidOf(object);
        if (replaced) graph.forget(uidOf(old));
        graph.observe(object, gvk, replaced ? undefined : old);
      },
      deleted: (object) => graph.forget(uidOf(object)),
    });
    void factory?.start();
    log.debug({ resource: keyOf({ metadata: { name: ref.plural, namespace: ref.group } }) }, 'garbage collector watches a resource');
    return monitor;
  }

  const wanted = ({ ref, verbs, preferred }: ServedResource): boolean =>
    preferred && verbs.has('delete') && verbs.has('list') && verbs.has('watch') && !ignored.has(resourceId(ref));

  return {
    async sync() {
      const { resources, failed } = await discover(client);
      if (stopped) return;
      kinds = new Map(failed.size > 0 ? kinds : []);
      for (const { ref } of resources) {
        const { apiVersion, kind } = gvkOf(ref);
        kinds.set(`${apiVersion}/${kind}`, ref);
      }
      const current = new Map(resources.filter(wanted).map(({ ref }) => [resourceId(ref), ref]));
      const failedGroups = new Set([...failed.keys()].map((groupVersion) => groupVersion.split('/').slice(0, -1).join('/')));
      const gone: Promise<void>[] = [];
      for (const [id, monitor] of monitors) {
        const ref = current.get(id);
        // What others watch is the server's own, and stays.
        if (!monitor.factory || ref?.version === monitor.version || (!ref && failedGroups.has(id.slice(0, id.lastIndexOf('/'))))) continue;
        monitors.delete(id);
        gone.push(monitor.factory.stop());
      }
      for (const [id, ref] of current) if (!monitors.has(id)) monitors.set(id, watch(ref));
      discovered = true;
      await Promise.all(gone);
    },
    get synced() {
      const time = performance.now();
      return discovered && [...monitors.values()].every(({ informer, started }) => informer.hasSynced || time - started > patienceMs);
    },
    resourceOf: (apiVersion, kind) => kinds.get(`${apiVersion}/${kind}`),
    async stop() {
      stopped = true;
      await Promise.all([...monitors.values()].map(({ factory }) => factory?.stop()));
    },
  };
}

/** What the graph is made of. */
function slim({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, deletionTimestamp, ownerReferences, finalizers } = metadata;
  return {
    ...(apiVersion ? { apiVersion } : {}),
    ...(kind ? { kind } : {}),
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      ...(uid ? { uid } : {}),
      ...(resourceVersion ? { resourceVersion } : {}),
      ...(deletionTimestamp ? { deletionTimestamp } : {}),
      ...(ownerReferences ? { ownerReferences } : {}),
      ...(finalizers ? { finalizers } : {}),
    },
  };
}
