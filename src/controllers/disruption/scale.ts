/** How many pods there should be, by asking what controls them: known kinds from caches, any other through its scale. */
import { deployments } from '../../api/apps/v1/deployment.ts';
import { replicasets } from '../../api/apps/v1/replicaset.ts';
import { statefulsets } from '../../api/apps/v1/statefulset.ts';
import { replicationcontrollers } from '../../api/core/v1/replicationcontroller.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { controllerOf, type KubeObject, type OwnerReference, parseApiVersion } from '../../apimachinery/meta.ts';
import type { Informer } from '../../client/informer.ts';
import { discover } from '../common/discovery.ts';
import type { ControllerContext } from '../controller.ts';

interface Scaled {
  uid: string;
  replicas: number;
}

export interface ExpectedPods {
  count: number;
  /** Names of pods that nothing controls. */
  unmanaged: string[];
}

/** Gives a function that fails when a pod's controller has no scale. */
export function createExpectedPods({ client, informers }: Pick<ControllerContext, 'client' | 'informers'>): (pods: readonly Pod[]) => Promise<ExpectedPods> {
  const deploymentInformer = informers.informer(deployments);
  const sets = informers.informer(replicasets);
  const replicationControllers = informers.informer(replicationcontrollers);
  const statefulSets = informers.informer(statefulsets);

  function cached<T extends KubeObject & { spec?: { replicas?: number } }>(informer: Informer<T>, reference: OwnerReference, namespace: string): T | undefined {
    const { group } = parseApiVersion(reference.apiVersion);
    if (reference.kind !== informer.ref.kind || group !== informer.ref.group) return undefined;
    const object = informer.get(namespace, reference.name);
    return object?.metadata.uid === reference.uid ? object : undefined;
  }

  const scaled = (object: KubeObject & { spec?: { replicas?: number } }): Scaled => ({ uid: object.metadata.uid ?? '', replicas: object.spec?.replicas ?? 1 });

  async function byScale(reference: OwnerReference, namespace: string): Promise<Scaled | undefined> {
    const { group, version } = parseApiVersion(reference.apiVersion);
    const { resources } = await discover(client, group);
    const found = resources.find(({ ref }) => ref.group === group && ref.kind === reference.kind && ref.version === version);
    if (!found) throw new Error(`no matches for kind "${reference.kind}" in version "${reference.apiVersion}"`);
    const resource = client.resource(found.ref);
    try {
      const scale = await resource.subresource<KubeObject & { spec?: { replicas?: number } }>('GET', namespace, reference.name, 'scale');
      return scale.metadata.uid === reference.uid ? { uid: reference.uid, replicas: scale.spec?.replicas ?? 0 } : undefined;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      if (!found.scalable) throw new Error(`${found.ref.plural}${group ? `.${group}` : ''} does not implement the scale subresource`);
      return undefined;
    }
  }

  async function scaleOf(reference: OwnerReference, namespace: string): Promise<Scaled | undefined> {
    const set = cached(sets, reference, namespace);
    if (set) {
      const owner = controllerOf(set);
      if (owner?.kind !== deployments.kind) return scaled(set);
      const deployment = cached(deploymentInformer, owner, namespace);
      return deployment && scaled(deployment);
    }
    const object = cached(replicationControllers, reference, namespace) ?? cached(statefulSets, reference, namespace);
    if (object) return scaled(object);
    return byScale(reference, namespace);
  }

  return async (pods) => {
    const counts = new Map<string, number>();
    const seen = new Set<string>();
    const unmanaged: string[] = [];
    for (const pod of pods) {
      const reference = controllerOf(pod);
      if (!reference) {
        unmanaged.push(pod.metadata.name);
        continue;
      }
      if (seen.has(reference.uid)) continue;
      seen.add(reference.uid);
      const found = await scaleOf(reference, pod.metadata.namespace ?? '');
      if (!found) throw new Error(`found no controllers for pod "${pod.metadata.name}"`);
      counts.set(found.uid, found.replicas);
    }
    return { count: [...counts.values()].reduce((sum, count) => sum + count, 0), unmanaged };
  };
}
