/** `endpointslice-controller`: publishes the addresses of the pods that a service selects. */
import { nodes as nodeKind } from '../../api/core/v1/node.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import { services as serviceKind } from '../../api/core/v1/service.ts';
import type { Service } from '../../api/core/v1/types.gen.ts';
import { endpointslices } from '../../api/discovery/v1/endpointslice.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { keyOf, splitKey } from '../../apimachinery/meta.ts';
import { isNamespaceTerminating } from '../common/errors.ts';
import { sharedIndex } from '../common/ownership.ts';
import { enqueueServicesOfPods, podsOf } from '../common/servicepods.ts';
import { trackOwnWrites } from '../common/writes.ts';
import { defineController, enqueueSelf } from '../controller.ts';
import { managedByLabel, managerName, planSlices, serviceNameLabel } from './plan.ts';

/** Index of slices by the key of their service. */
export const slicesByService = 'service';
export const serviceKeyOf = ({ metadata }: EndpointSlice): string[] => {
  const name = metadata.labels?.[serviceNameLabel];
  return name ? [`${metadata.namespace}/${name}`] : [];
};

const isMine = ({ metadata }: EndpointSlice): boolean => metadata.labels?.[managedByLabel] === managerName;

export const endpointSliceController = defineController({
  name: 'endpointslice-controller',
  eventSource: 'endpoint-slice-controller',
  setup({ client, informers, events }, enqueue) {
    const services = informers.informer(serviceKind);
    const pods = informers.informer(podKind);
    const nodes = informers.informer(nodeKind);
    const slices = informers.informer(endpointslices);
    const resource = client.resource(endpointslices);
    sharedIndex(slices, slicesByService, serviceKeyOf);
    const writes = trackOwnWrites(slices);
    enqueueSelf(services, enqueue, keyOf);
    enqueueServicesOfPods(pods, services, enqueue);
    const onSlice = (slice: EndpointSlice): void => {
      if (isMine(slice)) for (const key of serviceKeyOf(slice)) enqueue(key);
    };
    // What nobody but us writes comes back as we wrote it; a change by others, and a loss, is put right.
    slices.addHandlers({ updated: onSlice, deleted: onSlice });
    /** Services with pods whose node was not known when they were looked at. */
    const waiting = new Map<string, Set<string>>();
    nodes.addHandlers({
      added({ metadata }) {
        for (const key of waiting.get(metadata.name) ?? []) enqueue(key);
        waiting.delete(metadata.name);
      },
      updated(node, old) {
        const zone = 'topology.kubernetes.io/zone';
        if (node.metadata.labels?.[zone] !== old.metadata.labels?.[zone])
          for (const service of services.list()) if (service.spec.selector) enqueue(keyOf(service));
      },
    });

    async function apply(service: Service, key: string): Promise<void> {
      const wanted = (slice: EndpointSlice): boolean => isMine(slice) && serviceKeyOf(slice)[0] === key && !slice.metadata.deletionTimestamp;
      const existing = writes.apply(slices.byIndex(slicesByService, key), wanted);
      const plan = planSlices({ service, pods: podsOf(service, pods), existing, node: (name) => nodes.get('', name) });
      for (const pod of plan.waitingForNode) {
        const name = pod.spec.nodeName ?? '';
        waiting.set(name, (waiting.get(name) ?? new Set()).add(key));
      }
      for (const slice of plan.create) writes.wrote(await resource.create(slice));
      for (const slice of plan.update) writes.wrote(await resource.update(slice));
      for (const slice of plan.remove) {
        await resource.delete(slice.metadata.namespace ?? '', slice.metadata.name).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
        writes.deleted(slice);
      }
    }

    return {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const service = services.get(namespace, name);
        // Slices of a service that is gone are garbage-collected; without a selector somebody else makes them.
        if (!service || service.spec.type === 'ExternalName' || !service.spec.selector || service.metadata.deletionTimestamp) return;
        try {
          await apply(service, key);
        } catch (error) {
          if (isNamespaceTerminating(error)) return;
          events.event(
            { apiVersion: 'v1', kind: 'Service', metadata: service.metadata },
            'Warning',
            'FailedToUpdateEndpointSlices',
            `Error updating Endpoint Slices for Service ${key}: ${(error as Error).message}`,
          );
          throw error;
        }
      },
    };
  },
});
