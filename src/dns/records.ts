/**
 * The records of a name in the cluster's zone, by the Kubernetes DNS specification 1.1.0. Pure.
 * `undefined` says that the name does not exist; an empty list that it exists and has no record of that type.
 */
import type { Service } from '../api/core/v1/types.gen.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../api/discovery/v1/types.gen.ts';
import { type ClusterView, clusterIpsOf, serviceOfSlice } from './view.ts';

export interface AliasRecord {
  type: 'CNAME';
  name: string;
  data: string;
}

export type DnsRecord =
  | AliasRecord
  | { type: 'A' | 'AAAA' | 'PTR' | 'TXT'; name: string; data: string }
  | { type: 'SRV'; name: string; data: { priority: number; weight: number; port: number; target: string } };

const isV6 = (ip: string): boolean => ip.includes(':');
const addressRecord = (name: string, ip: string): DnsRecord => ({ type: isV6(ip) ? 'AAAA' : 'A', name, data: ip });

/** All records of `name`, which ends in `.<domain>` or is the domain; lower case, without a trailing dot. */
export function recordsOf(view: ClusterView, domain: string, name: string): DnsRecord[] | undefined {
  if (name === domain) return [];
  const labels = name.slice(0, -(domain.length + 1)).split('.');
  if (labels.length === 1 && labels[0] === 'dns-version') return [{ type: 'TXT', name, data: '1.1.0' }];
  const kind = labels.pop();
  if (kind === 'svc') return serviceRecords(view, domain, name, labels);
  if (kind === 'pod') return podRecords(view, name, labels);
  return undefined;
}

/** `10-1-2-3.<namespace>.pod`: said of any address, whether a pod has it or not (CoreDNS's `pods insecure`). */
function podRecords(view: ClusterView, name: string, labels: string[]): DnsRecord[] | undefined {
  const namespace = labels.pop();
  if (namespace === undefined) return [];
  if (!view.hasNamespace(namespace)) return undefined;
  const [dashed] = labels;
  if (dashed === undefined) return [];
  if (labels.length > 1) return undefined;
  const v4 = /^(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})$/.exec(dashed);
  if (v4) return v4.slice(1).every((part) => Number(part) < 256) ? [addressRecord(name, dashed.replaceAll('-', '.'))] : undefined;
  return /^[0-9a-f]{0,4}(-[0-9a-f]{0,4}){2,7}$/.test(dashed) ? [addressRecord(name, dashed.replaceAll('-', ':'))] : undefined;
}

function serviceRecords(view: ClusterView, domain: string, name: string, labels: string[]): DnsRecord[] | undefined {
  const namespace = labels.pop();
  if (namespace === undefined) return [];
  const serviceName = labels.pop();
  if (serviceName === undefined) return view.hasNamespace(namespace) ? [] : undefined;
  const service = view.service(namespace, serviceName);
  if (!service) return undefined;
  const base = `${serviceName}.${namespace}.svc.${domain}`;
  if (service.spec.type === 'ExternalName') return labels.length === 0 ? externalName(name, service) : undefined;
  const ips = clusterIpsOf(service);
  if (labels.length === 0 && ips.length > 0) return ips.map((ip) => addressRecord(name, ip));
  const endpoints = namedEndpoints(view.slices(namespace, serviceName));
  if (labels.length === 0) return unique(endpoints.map(({ ip }) => addressRecord(name, ip)));
  if (labels.length === 1 && !(labels[0] as string).startsWith('_')) {
    const found = endpoints.filter((one) => one.hostname === labels[0]);
    return found.length > 0 ? unique(found.map(({ ip }) => addressRecord(name, ip))) : undefined;
  }
  return portRecords(service, ips, endpoints, base, name, labels);
}

function externalName(name: string, { spec }: Service): DnsRecord[] {
  const target = (spec.externalName ?? '').replace(/\.$/, '');
  if (/^\d+\.\d+\.\d+\.\d+$/.test(target)) return [addressRecord(name, target)];
  return [{ type: 'CNAME', name, data: target }];
}

/** `_http._tcp.<service>…`: one SRV record, or one per endpoint of a headless service. */
function portRecords(service: Service, ips: string[], endpoints: NamedEndpoint[], base: string, name: string, labels: string[]): DnsRecord[] | undefined {
  if (labels.length !== 2 || !labels.every((label) => label.startsWith('_'))) return undefined;
  const [portName, protocol] = labels.map((label) => label.slice(1)) as [string, string];
  const matches = (port: { name?: string; protocol?: string }): boolean => port.name === portName && (port.protocol ?? 'TCP').toLowerCase() === protocol;
  const srv = (target: string, port: number): DnsRecord => ({ type: 'SRV', name, data: { priority: 0, weight: 100, port, target } });
  if (ips.length > 0) {
    const port = (service.spec.ports ?? []).find(matches);
    return port ? [srv(base, port.port)] : undefined;
  }
  const found = endpoints.flatMap((endpoint) =>
    endpoint.ports.filter(matches).flatMap((port) => (port.port === undefined ? [] : [srv(`${endpoint.hostname}.${base}`, port.port)])),
  );
  return found.length > 0 ? unique(found) : undefined;
}

interface NamedEndpoint {
  ip: string;
  /** The endpoint's own, or its address with dashes. */
  hostname: string;
  ports: readonly EndpointPort[];
}

/** The API marks endpoints of services that publish unready addresses as ready, so that one condition decides. */
const namedEndpoints = (slices: readonly EndpointSlice[]): NamedEndpoint[] =>
  slices
    .filter((slice) => slice.addressType !== 'FQDN')
    .flatMap((slice) =>
      (slice.endpoints ?? [])
        .filter((endpoint) => endpoint.conditions?.ready ?? true)
        .flatMap((endpoint) => endpoint.addresses.map((ip) => ({ ip, hostname: hostnameOf(endpoint, ip), ports: slice.ports ?? [] }))),
    );

const hostnameOf = (endpoint: Endpoint, ip: string): string => endpoint.hostname ?? ip.replaceAll(/[.:]/g, '-');

function unique(records: DnsRecord[]): DnsRecord[] {
  return [...new Map(records.map((record) => [JSON.stringify(record), record])).values()];
}

/** The address that a reverse name stands for; undefined for any other name. */
export function addressOfReverseName(name: string): string | undefined {
  const v4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name);
  if (v4) return `${v4[4]}.${v4[3]}.${v4[2]}.${v4[1]}`;
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name);
  if (!v6) return undefined;
  const digits = (v6[1] as string).split('.').reverse().join('');
  const groups = (digits.match(/.{4}/g) as string[]).map((group) => Number.parseInt(group, 16).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** PTR records of an address that a service or an endpoint with a name has; empty when it belongs to neither. */
export function reverseRecords(view: ClusterView, domain: string, name: string, ip: string): DnsRecord[] {
  const ptr = (data: string): DnsRecord => ({ type: 'PTR', name, data });
  const ofServices = view.servicesWithIp(ip).map(({ metadata }) => ptr(`${metadata.name}.${metadata.namespace}.svc.${domain}`));
  if (ofServices.length > 0) return ofServices;
  return unique(
    view.slicesWithIp(ip).flatMap((slice) => {
      const service = serviceOfSlice(slice);
      if (service === undefined) return [];
      const owner = view.service(slice.metadata.namespace as string, service);
      if (!owner || clusterIpsOf(owner).length > 0) return [];
      return (slice.endpoints ?? [])
        .filter((endpoint) => endpoint.addresses.includes(ip))
        .map((endpoint) => ptr(`${hostnameOf(endpoint, ip)}.${service}.${slice.metadata.namespace}.svc.${domain}`));
    }),
  );
}
