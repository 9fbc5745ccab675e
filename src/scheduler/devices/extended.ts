/** Extended resources that device classes stand for (KEP-5004): what a pod asks of them becomes a claim of its own. Pure. */
import { randomUUID } from 'node:crypto';
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import type { DeviceClass, DeviceRequest, ResourceClaim } from '../../api/resource/v1/types.gen.ts';
import { value } from '../../apimachinery/quantity.ts';
import type { Reader } from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';

const ownPrefix = 'deviceclass.resource.kubernetes.io/';
const annotation = 'resource.kubernetes.io/extended-resource-claim';
/** Begins no name that a claim can have: it gets one when it is made. */
const inMemory = '<extended-resources';

export interface RequestMapping {
  containerName: string;
  resourceName: string;
  requestName: string;
}

/** The class that stands for the resource; the youngest if several do. */
export function classOfResource(classes: Reader<DeviceClass>, resource: string): DeviceClass | undefined {
  if (resource.startsWith(ownPrefix)) return classes.get('', resource.slice(ownPrefix.length));
  let found: DeviceClass | undefined;
  for (const one of classes.list()) {
    if (one.spec.extendedResourceName !== resource) continue;
    const [a, b] = [one.metadata.creationTimestamp ?? '', found?.metadata.creationTimestamp ?? ''];
    if (!found || a > b || (a === b && one.metadata.name < found.metadata.name)) found = one;
  }
  return found;
}

/** The node has none of it by itself, but devices that count for it. */
export const isDelegated = (classes: Reader<DeviceClass>, resource: string, { allocatable }: NodeInfo): boolean =>
  !(allocatable.scalars.get(resource)! > 0) && classOfResource(classes, resource) !== undefined;

export const isExtendedClaim = ({ metadata }: ResourceClaim): boolean => metadata.annotations?.[annotation] === 'true';
export const isInMemory = ({ metadata }: ResourceClaim): boolean => metadata.name.startsWith(inMemory);

/** The claim of an earlier attempt, else one that is not made yet. */
export function extendedClaimOf(pod: Pod, claims: Reader<ResourceClaim>): ResourceClaim {
  const { name, namespace = '', uid = '' } = pod.metadata;
  const earlier = claims.list(namespace).find((one) => isExtendedClaim(one) && one.metadata.ownerReferences?.some((owner) => owner.uid === uid));
  return (
    earlier ?? {
      metadata: {
        namespace,
        name: `${inMemory} ${uid}>`,
        generateName: `${name}-extended-resources-`,
        uid: randomUUID(),
        annotations: { [annotation]: 'true' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true }],
      },
      spec: {},
    }
  );
}

interface Asked {
  request?: DeviceRequest;
  mappings: RequestMapping[];
}

function askFor(index: number, { name, resources }: Container, resource: string, className: string, reusable: readonly (DeviceRequest | undefined)[]): Asked {
  const requests = resources?.requests ?? {};
  const count = value(requests[resource] ?? 0);
  const mappings: RequestMapping[] = [];
  if (count === 0) return { mappings };
  const map = (requestName: string): void => void mappings.push({ containerName: name, resourceName: resource, requestName });
  let sum = 0;
  for (const one of reusable) {
    if (!one) continue;
    sum += one.exactly?.count ?? 0;
    map(one.name);
    if (sum >= count) return { mappings };
  }
  const request: DeviceRequest = {
    name: `container-${index}-request-${Object.keys(requests).sort().indexOf(resource)}`,
    exactly: { deviceClassName: className, allocationMode: 'ExactCount', count: count - sum },
  };
  map(request.name);
  return { request, mappings };
}

/** What the containers ask of these resources. An init container that ends may use what those after it need. */
export function requestsFor(pod: Pod, resources: readonly string[], classes: Reader<DeviceClass>): { requests: DeviceRequest[]; mappings: RequestMapping[] } {
  const initContainers = pod.spec.initContainers ?? [];
  const containers = [...initContainers, ...pod.spec.containers];
  const ends = (index: number): boolean => index < initContainers.length && containers[index]!.restartPolicy !== 'Always';
  const all: DeviceRequest[] = [];
  const mappings: RequestMapping[] = [];
  for (const resource of [...resources].sort()) {
    const found = classOfResource(classes, resource);
    if (!found) continue;
    const asking = (index: number, reusable: readonly (DeviceRequest | undefined)[]): Asked =>
      askFor(index, containers[index]!, resource, found.metadata.name, reusable);
    const lasting = containers.map((_, index) => (ends(index) ? undefined : asking(index, [])));
    const requests = lasting.map((one) => one?.request);
    const passing = containers.flatMap((_, index) => (ends(index) ? [asking(index, requests.slice(index))] : []));
    const own = passing.flatMap(({ request }) => request ?? []);
    const largest = own.reduce<DeviceRequest | undefined>((most, one) => (!most || one.exactly!.count! > most.exactly!.count! ? one : most), undefined);
    const names = new Set(own.map(({ name }) => name));
    if (largest) all.push(largest);
    all.push(...requests.filter((one) => one !== undefined));
    mappings.push(...lasting.flatMap((one) => one?.mappings ?? []));
    mappings.push(
      ...passing.flatMap((one) => one.mappings.map((mapping) => (names.has(mapping.requestName) ? { ...mapping, requestName: largest!.name } : mapping))),
    );
  }
  return { requests: all.sort((a, b) => (a.name < b.name ? -1 : 1)), mappings };
}
