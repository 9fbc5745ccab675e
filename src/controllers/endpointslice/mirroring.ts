/** `endpointslice-mirroring-controller`: what somebody wrote into Endpoints of a service without a selector, as EndpointSlices, which proxies read. */
import { isDeepStrictEqual } from 'node:util';
import { endpoints as endpointsKind } from '../../api/core/v1/endpoints.ts';
import { services as serviceKind } from '../../api/core/v1/service.ts';
import type { EndpointAddress, Endpoints } from '../../api/core/v1/types.gen.ts';
import { endpointslices } from '../../api/discovery/v1/endpointslice.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/discovery/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { isIPv6, parseIp } from '../../apimachinery/ip.ts';
import { keyOf, splitKey } from '../../apimachinery/meta.ts';
import { isNamespaceTerminating } from '../common/errors.ts';
import { sharedIndex } from '../common/ownership.ts';
import { trackOwnWrites } from '../common/writes.ts';
import { defineController, enqueueSelf } from '../controller.ts';
import { serviceKeyOf, slicesByService } from './endpointslice.ts';
import { managedByLabel, serviceNameLabel } from './plan.ts';

const managerName = 'endpointslicemirroring-controller.k8s.io';
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const unmirroredAnnotations = ['endpoints.kubernetes.io/last-change-trigger-time', 'kubectl.kubernetes.io/last-applied-configuration'];
const maxEndpoints = 1000;

const isMine = ({ metadata }: EndpointSlice): boolean => metadata.labels?.[managedByLabel] === managerName;
const shouldMirror = ({ metadata }: Endpoints): boolean => metadata.labels?.[skipLabel] !== 'true' && metadata.annotations?.[leaderAnnotation] === undefined;
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

const isFor = (slice: EndpointSlice, wanted: EndpointSlice): boolean =>
  slice.addressType === wanted.addressType && isDeepStrictEqual(plain(slice.ports ?? []), plain(wanted.ports ?? []));

const endpointOf = ({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint => ({
  addresses: [ip],
  conditions: { ready },
  ...(hostname ? { hostname } : {}),
  ...(nodeName ? { nodeName } : {}),
  ...(targetRef ? { targetRef } : {}),
});

export interface Mirrored {
  slices: EndpointSlice[];
  /** Addresses that are none, and those that are too many. */
  invalid: number;
  tooMany: number;
}

/** The slices that stand for the object: one for each address family and set of ports. Pure. */
export function mirrored(endpoints: Endpoints): Mirrored {
  const { name, namespace, uid, labels = {}, annotations = {} } = endpoints.metadata;
  const slices = new Map<string, EndpointSlice>();
  const added = new Map<string, number>();
  let invalid = 0;
  let tooMany = 0;
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of endpoints.subsets ?? []) {
    const slicePorts: EndpointPort[] = ports.map(({ name: portName = '', port, protocol = 'TCP', appProtocol }) => ({
      name: portName,
      port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    }));
    const all = [...addresses.map((address) => endpointOf(address, true)), ...notReadyAddresses.map((address) => endpointOf(address, false))];
    const portsId = JSON.stringify(slicePorts);
    for (const endpoint of all) {
      const count = added.get(portsId) ?? 0;
      if (count >= maxEndpoints) {
        tooMany++;
        continue;
      }
      if (!parseIp(endpoint.addresses[0]!)) {
        invalid++;
        continue;
      }
      added.set(portsId, count + 1);
      const addressType = isIPv6(endpoint.addresses[0]!) ? 'IPv6' : 'IPv4';
      const id = `${addressType} ${portsId}`;
      const slice: EndpointSlice = slices.get(id) ?? {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          name: '',
          generateName: `${name}-`,
          namespace,
          labels: { ...labels, [serviceNameLabel]: name, [managedByLabel]: managerName },
          annotations: Object.fromEntries(Object.entries(annotations).filter(([key]) => !unmirroredAnnotations.includes(key))),
          ownerReferences: [{ apiVersion: 'v1', kind: 'Endpoints', name, uid: uid ?? '', controller: true, blockOwnerDeletion: true }],
        },
        addressType,
        endpoints: [],
        ports: slicePorts,
      };
      slices.set(id, slice);
      slice.endpoints!.push(endpoint);
    }
  }
  return { slices: [...slices.values()], invalid, tooMany };
}

export const endpointSliceMirroringController = defineController({
  name: 'endpointslice-mirroring-controller',
  identity: 'endpointslicemirroring-controller',
  eventSource: 'endpoint-slice-mirroring-controller',
  setup({ client, informers, events }, enqueue) {
    const services = informers.informer(serviceKind);
    const objects = informers.informer(endpointsKind);
    const slices = informers.informer(endpointslices);
    const resource = client.resource(endpointslices);
    sharedIndex(slices, slicesByService, serviceKeyOf);
    const writes = trackOwnWrites(slices);
    enqueueSelf(objects, enqueue, keyOf);
    enqueueSelf(services, enqueue, keyOf);
    const onSlice = (slice: EndpointSlice): void => {
      if (isMine(slice)) for (const key of serviceKeyOf(slice)) enqueue(key);
    };
    slices.addHandlers({ updated: onSlice, deleted: onSlice });

    function warn({ metadata }: Endpoints, { invalid, tooMany }: Mirrored): void {
      const about = { apiVersion: 'v1', kind: 'Endpoints', metadata };
      if (invalid > 0) events.event(about, 'Warning', 'InvalidIPAddress', `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`);
      if (tooMany === 0) return;
      const message = `A max of ${maxEndpoints} addresses can be mirrored to EndpointSlices per Endpoints subset. ${invalid + tooMany} addresses were skipped`;
      events.event(about, 'Warning', 'TooManyAddressesToMirror', message);
    }

    return {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const object = objects.get(namespace, name);
        const service = services.get(namespace, name);
        const mirrors = object && service && !service.spec.selector && !object.metadata.deletionTimestamp && shouldMirror(object);
        const result = mirrors ? mirrored(object) : undefined;
        if (object && result) warn(object, result);
        const wanted = result?.slices ?? [];
        const existing = writes.apply(slices.byIndex(slicesByService, key), (slice) => isMine(slice) && serviceKeyOf(slice)[0] === key);
        const left = new Set(existing);
        try {
          for (const slice of wanted) {
            // Where the ports have changed, a slice that nobody needs any more is used again.
            const same =
              [...left].find((one) => isFor(one, slice)) ??
              [...left].find((one) => one.addressType === slice.addressType && !wanted.some((other) => isFor(one, other)));
            if (!same) {
              writes.wrote(await resource.create(slice));
              continue;
            }
            left.delete(same);
            const { labels, annotations } = slice.metadata;
            const unchanged =
              isFor(same, slice) &&
              isDeepStrictEqual(plain(same.endpoints ?? []), plain(slice.endpoints)) &&
              isDeepStrictEqual(same.metadata.labels, labels) &&
              isDeepStrictEqual(same.metadata.annotations ?? {}, annotations);
            if (!unchanged) writes.wrote(await resource.update({ ...slice, metadata: { ...same.metadata, labels, annotations } }));
          }
          for (const slice of left) {
            await resource.delete(namespace, slice.metadata.name).catch((error: unknown) => {
              if (!isNotFound(error)) throw error;
            });
            writes.deleted(slice);
          }
        } catch (error) {
          if (!isNamespaceTerminating(error)) throw error;
        }
      },
    };
  },
});
