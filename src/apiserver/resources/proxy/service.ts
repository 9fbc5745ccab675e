/** A ready endpoint of a service: what the server connects to when it is told to reach the service. */

import { services } from '../../../api/core/v1/service.ts';
import type { Service } from '../../../api/core/v1/types.gen.ts';
import { endpointslices } from '../../../api/discovery/v1/endpointslice.ts';
import type { EndpointSlice } from '../../../api/discovery/v1/types.gen.ts';
import { badRequest, notFound, serviceUnavailable } from '../../../apimachinery/errors.ts';
import type { ObjectReader } from '../../contracts.ts';
import type { DialTarget } from './dial.ts';

/** `port` is a name or a number; empty means the first. Fails with 503 when no endpoint is ready. */
export async function resolveService(reader: ObjectReader, service: Service, port: string): Promise<DialTarget> {
  const { name, namespace = '' } = service.metadata;
  const ports = service.spec?.ports ?? [];
  const wanted = port === '' ? ports[0] : ports.find((one) => one.name === port || String(one.port) === port);
  if (!wanted && ports.length > 0) {
    // A name is looked for among the endpoints, a number among the service's ports.
    const missing = /^\d+$/.test(port) ? `no service port ${port} found` : 'no endpoints available';
    throw serviceUnavailable(`${missing} for service ${JSON.stringify(name)}`);
  }
  if (service.spec?.type === 'ExternalName') {
    const host = service.spec.externalName ?? '';
    if (host === '') throw badRequest('address not allowed');
    return { host, port: wanted?.port ?? (Number(port) || 80) };
  }
  const slices = (await reader.list<EndpointSlice>(endpointslices, namespace)).filter(
    ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name,
  );
  const candidates = slices.flatMap((slice) => {
    const own = slice.ports?.find((one) => (one.name ?? '') === (wanted?.name ?? ''));
    if (own?.port === undefined) return [];
    return (slice.endpoints ?? [])
      .filter(({ conditions, addresses }) => conditions?.ready !== false && addresses.length > 0)
      .map((endpoint) => ({ host: endpoint.addresses[0] as string, port: own.port as number, ...(endpoint.nodeName ? { node: endpoint.nodeName } : {}) }));
  });
  const chosen = candidates[Math.floor(Math.random() * candidates.length)];
  if (!chosen) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`);
  return chosen;
}

/** The same by the service's name: what webhooks and aggregated servers are reached by. */
export async function resolveServiceName(reader: ObjectReader, namespace: string, name: string, port: number): Promise<DialTarget> {
  const service = await reader.get<Service>(services, namespace, name);
  if (!service) throw notFound({ group: '', resource: 'services' }, name);
  return resolveService(reader, service, String(port));
}
