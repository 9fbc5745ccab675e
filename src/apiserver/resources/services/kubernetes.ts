/** The `kubernetes` service of namespace `default`: how pods find the API servers. Its endpoints are the servers that are alive. */
import { endpoints } from '../../../api/core/v1/endpoints.ts';
import { services } from '../../../api/core/v1/service.ts';
import type { Endpoints, Service } from '../../../api/core/v1/types.gen.ts';
import { endpointslices } from '../../../api/discovery/v1/endpointslice.ts';
import type { EndpointSlice } from '../../../api/discovery/v1/types.gen.ts';
import { servicecidrs } from '../../../api/networking/v1/servicecidr.ts';
import type { ServiceCIDR } from '../../../api/networking/v1/types.gen.ts';
import { deepEqual } from '../../../apimachinery/equality.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../../apimachinery/errors.ts';
import { formatIp, ipAt, parseCidr } from '../../../apimachinery/ip.ts';
import type { KubeObject } from '../../../apimachinery/meta.ts';
import { timeOf } from '../../../apimachinery/meta.ts';
import type { Client, ResourceClient } from '../../../client/client.ts';
import type { Store } from '../../../store/store.ts';
import { KeyExistsError, RevisionMismatchError } from '../../../store/store.ts';
import { familyOf } from './families.ts';

const name = 'kubernetes';
const namespace = 'default';
const portName = 'https';

/** Where each server says that it is alive. Not under the prefix of objects: it is none. */
const leasePrefix = '/masterleases/';
const leaseSeconds = 15;

export interface KubernetesServiceOptions {
  serviceCidrs: readonly string[];
  /** Under which nodes and pods reach this server. */
  address: string;
  port: number;
}

async function ensure<T extends KubeObject>(resource: ResourceClient<T>, wanted: T, differs: (there: T) => boolean, merge: (there: T) => T): Promise<void> {
  const { namespace: within = '', name: called } = wanted.metadata;
  try {
    const there = await resource.get(within, called);
    if (differs(there)) await resource.update(merge(there));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await resource.create(wanted);
  }
}

/** The cluster's own ranges as an object, which is what other components read. */
async function ensureServiceCidr(client: Client, cidrs: readonly string[]): Promise<void> {
  const resource = client.resource(servicecidrs);
  const wanted: ServiceCIDR = { metadata: { name }, spec: { cidrs: [...cidrs] } };
  await ensure(
    resource,
    wanted,
    () => false,
    (there) => there,
  );
  const there = await resource.get('', name);
  if (there.status?.conditions?.some(({ type }) => type === 'Ready')) return;
  const ready = { type: 'Ready', status: 'True', message: 'Kubernetes default Service CIDR is ready', lastTransitionTime: timeOf(new Date()) };
  const status = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, status: { conditions: [ready] } };
  await resource.patch('', name, 'apply', status, { subresource: 'status', fieldManager: 'kubernetes-service-cidr-controller', force: true });
}

async function ensureService(client: Client, { serviceCidrs, port }: KubernetesServiceOptions): Promise<void> {
  const cidr = parseCidr(serviceCidrs[0] as string);
  if (!cidr) throw new Error(`invalid service CIDR ${serviceCidrs[0]}`);
  const clusterIP = formatIp(ipAt(cidr, 1n));
  const ports = [{ name: portName, port: 443, protocol: 'TCP', targetPort: port }];
  const wanted: Service = {
    metadata: { name, namespace, labels: { provider: 'kubernetes', component: 'apiserver' } },
    spec: { clusterIP, ipFamilyPolicy: 'SingleStack', ports, sessionAffinity: 'None', type: 'ClusterIP' },
  };
  await ensure(
    client.resource(services),
    wanted,
    ({ spec }) => spec?.ports?.[0]?.targetPort !== port,
    (there) => ({ ...there, spec: { ...there.spec, ports } }),
  );
}

/** Says that this server is alive, and tells who else is. Keys expire when their server does not come back to them. */
async function renewLease(store: Store, { address, port }: KubernetesServiceOptions): Promise<{ address: string; port: number }[]> {
  const key = `${leasePrefix}${address}`;
  const value = Buffer.from(JSON.stringify({ address, port }));
  try {
    const { entry } = await store.get(key);
    if (entry) await store.update(key, value, entry.modRevision, { ttlSeconds: leaseSeconds });
    else await store.create(key, value, { ttlSeconds: leaseSeconds });
  } catch (error) {
    // The key expired or was renewed in this very moment: the next round does it.
    if (!(error instanceof KeyExistsError) && !(error instanceof RevisionMismatchError)) throw error;
  }
  const { entries } = await store.list(leasePrefix);
  return entries.map((entry) => JSON.parse(Buffer.from(entry.value).toString('utf8')) as { address: string; port: number });
}

async function ensureEndpoints(client: Client, alive: readonly { address: string; port: number }[]): Promise<void> {
  const port = alive[0]?.port ?? 6443;
  const addresses = alive.map(({ address }) => address).sort();
  const [first = '127.0.0.1'] = addresses;
  const subsets = [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: portName, port, protocol: 'TCP' }] }];
  const skip = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
  const wanted: Endpoints = { metadata: { name, namespace, labels: skip }, subsets };
  await ensure(
    client.resource(endpoints),
    wanted,
    (there) => !deepEqual(there.subsets, subsets),
    (there) => ({ ...there, subsets, metadata: { ...there.metadata, labels: { ...there.metadata.labels, ...skip } } }),
  );
  const slice: EndpointSlice = {
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: familyOf(first),
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: portName, port, protocol: 'TCP' }],
  };
  await ensure(
    client.resource(endpointslices),
    slice,
    (there) => !deepEqual([there.endpoints, there.ports], [slice.endpoints, slice.ports]),
    (there) => ({ ...there, endpoints: slice.endpoints, ports: slice.ports as NonNullable<EndpointSlice['ports']> }),
  );
}

/** One round; what another server did at the same time is as good as if this one had. */
export async function reconcileKubernetesService(client: Client, store: Store, options: KubernetesServiceOptions): Promise<void> {
  const alive = await renewLease(store, options);
  const steps = [() => ensureService(client, options), () => ensureEndpoints(client, alive), () => ensureServiceCidr(client, options.serviceCidrs)];
  let failure: unknown;
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      // One step that fails keeps no other from being done.
      if (!isAlreadyExists(error) && !isConflict(error)) failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
}

/** The server goes: others need not wait for its lease to run out. */
export async function leaveKubernetesService(client: Client, store: Store, { address }: KubernetesServiceOptions): Promise<void> {
  const { entry } = await store.get(`${leasePrefix}${address}`);
  if (entry) await store.delete(entry.key, entry.modRevision);
  const { entries } = await store.list(leasePrefix);
  const left = entries.map((one) => JSON.parse(Buffer.from(one.value).toString('utf8')) as { address: string; port: number });
  // The last one leaves its address behind: it will come back.
  if (left.length > 0) await ensureEndpoints(client, left);
}
