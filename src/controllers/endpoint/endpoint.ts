/** `endpoints-controller`: the older form of EndpointSlices, one object per service, for clients that still read it. */
import { isDeepStrictEqual } from 'node:util';
import { endpoints as endpointsKind } from '../../api/core/v1/endpoints.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import { services as serviceKind } from '../../api/core/v1/service.ts';
import type { Endpoints, Service } from '../../api/core/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { keyOf, splitKey } from '../../apimachinery/meta.ts';
import { isNamespaceTerminating } from '../common/errors.ts';
import { enqueueServicesOfPods, headlessLabel, isHeadless, podsOf } from '../common/servicepods.ts';
import { trackOwnWrites } from '../common/writes.ts';
import { defineController, enqueueSelf } from '../controller.ts';
import { subsetsOf, truncate } from './subsets.ts';

const managedByLabel = 'endpoints.kubernetes.io/managed-by';
const overCapacity = 'endpoints.kubernetes.io/over-capacity';

const withoutOurs = ({ [headlessLabel]: _headless, ...labels }: Record<string, string>): Record<string, string> => labels;

function desired(service: Service, subsets: Endpoints['subsets'], current: Endpoints | undefined, truncated: boolean): Endpoints {
  const { [overCapacity]: _over, ...annotations } = current?.metadata.annotations ?? {};
  return {
    ...current,
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      ...(current?.metadata ?? { name: service.metadata.name, namespace: service.metadata.namespace }),
      labels: {
        ...withoutOurs(service.metadata.labels ?? {}),
        ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
        [managedByLabel]: 'endpoint-controller',
      },
      annotations: { ...annotations, ...(truncated ? { [overCapacity]: 'truncated' } : {}) },
    },
    subsets,
  };
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

function isCurrent(wanted: Endpoints, current: Endpoints): boolean {
  return (
    isDeepStrictEqual(plain(wanted.subsets ?? []), plain(current.subsets ?? [])) &&
    isDeepStrictEqual(wanted.metadata.labels, current.metadata.labels) &&
    wanted.metadata.annotations?.[overCapacity] === current.metadata.annotations?.[overCapacity]
  );
}

export const endpointsController = defineController({
  name: 'endpoints-controller',
  identity: 'endpoint-controller',
  eventSource: 'endpoint-controller',
  setup({ client, informers, events }, enqueue) {
    const services = informers.informer(serviceKind);
    const pods = informers.informer(podKind);
    const informer = informers.informer(endpointsKind);
    const resource = client.resource(endpointsKind);
    const writes = trackOwnWrites(informer);
    enqueueSelf(services, enqueue, keyOf);
    enqueueServicesOfPods(pods, services, enqueue);
    informer.addHandlers({
      // Those whose service went while nobody looked; leader election keeps its lock in such an object too.
      added: (object, initial) => {
        if (initial && !object.metadata.annotations?.['control-plane.alpha.kubernetes.io/leader']) enqueue(keyOf(object));
      },
      deleted: (object) => enqueue(keyOf(object)),
    });

    async function remove(namespace: string, name: string): Promise<void> {
      if (!informer.get(namespace, name)) return;
      await resource.delete(namespace, name).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }

    return {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const service = services.get(namespace, name);
        if (!service) return remove(namespace, name);
        if (service.spec.type === 'ExternalName' || !service.spec.selector) return;
        const { subsets, truncated } = truncate(subsetsOf(service, podsOf(service, pods)));
        const seen = informer.get(namespace, name);
        const [current] = writes.apply(seen ? [seen] : [], (object) => keyOf(object) === key);
        const wanted = desired(service, subsets, current, truncated);
        if (current && isCurrent(wanted, current)) return;
        try {
          writes.wrote(await (current ? resource.update(wanted) : resource.create(wanted)));
        } catch (error) {
          if (isNamespaceTerminating(error)) return;
          const [reason, text] = current
            ? ['FailedToUpdateEndpoint', 'Failed to update endpoint']
            : ['FailedToCreateEndpoint', 'Failed to create endpoint for service'];
          events.event(wanted, 'Warning', reason!, `${text} ${key}: ${(error as Error).message}`);
          throw error;
        }
      },
    };
  },
});
