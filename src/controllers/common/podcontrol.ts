/** Creates and deletes the pods of a controller, with the events that tell of it. */
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Pod, PodTemplateSpec } from '../../api/core/v1/types.gen.ts';
import { isNotFound, StatusError } from '../../apimachinery/errors.ts';
import type { KubeObject, OwnerReference } from '../../apimachinery/meta.ts';
import { subdomainName } from '../../apimachinery/names.ts';
import type { Client } from '../../client/client.ts';
import type { EventRecorder } from '../../client/events.ts';

/** Creation fails because the namespace is going: nothing to report, nothing to retry. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  error instanceof StatusError && (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating');

/** A pod as the template has it, for `owner`; named by the server. */
export function podFromTemplate(template: PodTemplateSpec, owner: KubeObject, reference: OwnerReference): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? { name: '' };
  const prefix = `${owner.metadata.name}-`;
  return {
    metadata: {
      name: '',
      generateName: subdomainName(prefix, true).length === 0 ? prefix : owner.metadata.name,
      namespace: owner.metadata.namespace,
      labels: { ...labels },
      annotations: { ...annotations },
      ...(finalizers ? { finalizers: [...finalizers] } : {}),
      ownerReferences: [reference],
    },
    spec: structuredClone(template.spec!),
  };
}

export interface PodControl {
  /** The event is about `owner`. */
  create(pod: Pod, owner: KubeObject): Promise<Pod>;
  /** A pod that is gone already is an error here too (404), without an event. */
  delete(namespace: string, name: string, owner: KubeObject): Promise<void>;
}

export function createPodControl(client: Client, events: EventRecorder): PodControl {
  const pods = client.resource(podKind);
  return {
    async create(pod, owner) {
      if (Object.keys(pod.metadata.labels ?? {}).length === 0) throw new Error('unable to create pods, no labels');
      try {
        const created = await pods.create(pod);
        events.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
        return created;
      } catch (error) {
        if (!isNamespaceTerminating(error)) events.event(owner, 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`);
        throw error;
      }
    },
    async delete(namespace, name, owner) {
      try {
        await pods.delete(namespace, name);
      } catch (error) {
        if (!isNotFound(error)) events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`);
        throw error;
      }
      events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    },
  };
}
