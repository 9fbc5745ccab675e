/** `garbage-collector-controller`: deletes what has lost all its owners, and does what a deletion's propagation policy asks for. */
import { customresourcedefinitions } from '../../api/apiextensions/v1/customresourcedefinition.ts';
import { isConflict } from '../../apimachinery/errors.ts';
import { type ControllerContext, defineController, type Enqueue, type ReconcileResult, type RunningController } from '../controller.ts';
import { createCollector, UnknownKindError } from './collect.ts';
import { createGraph, type Identity } from './graph.ts';
import { createMonitors } from './monitors.ts';

export const garbageCollectorController = defineController({
  name: 'garbage-collector-controller',
  identity: 'generic-garbage-collector',
  concurrency: 20,
  setup,
});

const discovery = 'discovery';
/** A server may gain and lose resources without telling. */
const rediscoverMs = 30_000;
/** After a change of definitions, until discovery shows it. */
const settleMs = 200;
/** Until an informer shows an object that is known to exist, or a kind is served. */
const unseenMs = 2_000;
const unknownKindMs = 30_000;
const unsyncedMs = 100;

function setup(context: ControllerContext, enqueue: Enqueue): RunningController {
  const { client, informers, events, log } = context;
  const checkDeletion = (uid: string): void => enqueue(`delete/${uid}`);
  const graph = createGraph({
    checkDeletion,
    orphanDependents: (uid) => enqueue(`orphan/${uid}`),
    invalidNamespace(dependent, owner) {
      const { apiVersion, kind, name, namespace, uid } = dependent.identity;
      const message = `ownerRef ${described(owner)} does not exist in namespace "${namespace}"`;
      events.event({ apiVersion, kind, metadata: { name, namespace, uid } }, 'Warning', 'OwnerRefInvalidNamespace', message);
    },
  });
  const monitors = createMonitors(context, graph);
  const collector = createCollector(client, graph, monitors, checkDeletion);

  const definitionsChanged = (): void => enqueue.after(discovery, settleMs);
  informers.informer(customresourcedefinitions).addHandlers({ added: definitionsChanged, updated: definitionsChanged, deleted: definitionsChanged });
  enqueue(discovery);

  async function look(task: string, uid: string): Promise<ReconcileResult> {
    const node = graph.get(uid);
    if (!node) return undefined;
    // Dependents that no informer has shown yet would be overlooked.
    if (!monitors.synced) return { requeueAfterMs: unsyncedMs };
    if (task === 'orphan') {
      await collector.orphanDependents(node);
      return undefined;
    }
    try {
      return (await collector.attemptToDelete(node)) ? { requeueAfterMs: unseenMs } : undefined;
    } catch (error) {
      if (error instanceof UnknownKindError) return { requeueAfterMs: unknownKindMs };
      if (!isConflict(error)) log.debug({ err: error, ...node.identity }, 'could not look at an object');
      throw error;
    }
  }

  return {
    async reconcile(key) {
      if (key !== discovery) {
        const slash = key.indexOf('/');
        return look(key.slice(0, slash), key.slice(slash + 1));
      }
      await monitors.sync();
      return { requeueAfterMs: rediscoverMs };
    },
    stop: () => monitors.stop(),
  };
}

const described = ({ apiVersion, kind, namespace, name, uid }: Identity): string =>
  `[${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`;
