/** Deletes what is in a namespace, resource by resource, and counts what is left. */

import { isNotFound, StatusError } from '../../apimachinery/errors.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { Client, ResourceClient } from '../../client/client.ts';
import { resourceId, type ServedResource } from '../common/discovery.ts';
import { NotYet } from '../common/errors.ts';

export interface Leftovers {
  count: number;
  finalizers: Map<string, number>;
  /** Seconds after which it is worth looking again, when something will end by itself. */
  waitSeconds: number;
}

/** Without a known grace period, for finalizers. */
const finalizerWaitSeconds = 15;
const pods = '/pods';

/** Resources whose objects stand in namespaces and can be deleted, one version of each; pods are apart. */
export function contentResources(resources: readonly ServedResource[]): { pods: ServedResource[]; others: ServedResource[] } {
  const deletable = resources.filter(({ ref, verbs, preferred }) => preferred && ref.namespaced && verbs.has('delete'));
  return { pods: deletable.filter(({ ref }) => resourceId(ref) === pods), others: deletable.filter(({ ref }) => resourceId(ref) !== pods) };
}

/** Deletes all; throws when something is left for no reason that is known. `sinceSeconds`: how long the namespace is being deleted. */
export async function deleteContent(client: Client, { ref, verbs }: ServedResource, namespace: string, sinceSeconds: number): Promise<Leftovers> {
  const isPods = resourceId(ref) === pods;
  // Grace periods stand in the spec of pods.
  const resource = client.resource<KubeObject>(isPods ? ref : { ...ref, metadataOnly: true });
  const present = verbs.has('list') ? await list(resource, namespace) : undefined;
  // Of most resources there is nothing.
  if (present?.length === 0) return { count: 0, finalizers: new Map(), waitSeconds: 0 };
  const estimate = isPods ? longestGrace(present ?? []) : 0;
  const waitSeconds = sinceSeconds >= estimate ? 0 : estimate;
  await deleteAll(resource, verbs, namespace);
  const left = verbs.has('list') ? await list(resource, namespace) : [];
  const finalizers = new Map<string, number>();
  for (const finalizer of left.flatMap(({ metadata }) => metadata.finalizers ?? [])) finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
  if (left.length > 0 && waitSeconds === 0 && finalizers.size === 0) {
    const { group, version, plural } = ref;
    throw new NotYet(`unexpected items still remain in namespace: ${namespace} for gvr: ${group}/${version}, Resource=${plural}`);
  }
  return { count: left.length, finalizers, waitSeconds: left.length === 0 ? 0 : waitSeconds || finalizerWaitSeconds };
}

const notServed = (error: unknown): boolean => error instanceof StatusError && (error.code === 404 || error.code === 405);

async function list(resource: ResourceClient<KubeObject>, namespace: string): Promise<KubeObject[]> {
  try {
    return (await resource.list(namespace)).items;
  } catch (error) {
    if (notServed(error)) return [];
    throw error;
  }
}

async function deleteAll(resource: ResourceClient<KubeObject>, verbs: ReadonlySet<string>, namespace: string): Promise<void> {
  if (verbs.has('deletecollection')) {
    try {
      await resource.deleteCollection(namespace, { propagationPolicy: 'Background' });
      return;
    } catch (error) {
      if (!notServed(error)) throw error;
    }
  }
  for (const { metadata } of await list(resource, namespace)) {
    try {
      await resource.delete(namespace, metadata.name, { propagationPolicy: 'Background' });
    } catch (error) {
      if (!isNotFound(error) && !notServed(error)) throw error;
    }
  }
}

/** Of pods that still run: the longest time that one of them may take to stop. */
function longestGrace(objects: readonly (KubeObject & { spec?: { terminationGracePeriodSeconds?: number }; status?: { phase?: string } })[]): number {
  const running = objects.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
  return Math.max(0, ...running.map(({ spec }) => spec?.terminationGracePeriodSeconds ?? 0));
}
