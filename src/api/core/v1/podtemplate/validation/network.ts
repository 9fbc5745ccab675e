/** Validation of names, DNS and host ports. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, required, tooLong } from '../../../../../apimachinery/fieldpath.ts';
import { validateDnsSubdomainWithUnderscore } from '../../../../../apimachinery/names.ts';
import {
  checked,
  validateDnsLabelField,
  validateDnsSubdomainField,
  validateEnumInOrder,
  validateLegacyIpField,
} from '../../../../../apimachinery/validation/common.ts';
import type { PodSpec } from '../../types.gen.ts';
import type { PodSpecOptions } from './options.ts';
import { isSet } from './options.ts';

/** What the C library's resolver can take. */
const mostNameservers = 3;
const mostSearches = 32;
const longestSearchList = 2048;

function validateSearch(search: string, path: FieldPath): FieldError[] {
  if (search === '.') return [];
  const name = search.replace(/\.$/, '');
  return checked(name, path, validateDnsSubdomainWithUnderscore(name));
}

export function validateDns({ dnsPolicy, dnsConfig }: PodSpec, path: FieldPath): FieldError[] {
  const at = path.child('dnsConfig');
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {};
  if (dnsPolicy === 'None') {
    if (!dnsConfig) return [required(at, 'must provide `dnsConfig` when `dnsPolicy` is None')];
    if (nameservers.length === 0) return [required(at.child('nameservers'), 'must provide at least one DNS nameserver when `dnsPolicy` is None')];
  }
  const errors: FieldError[] = [];
  const servers = at.child('nameservers');
  if (nameservers.length > mostNameservers) errors.push(invalidValue(servers, nameservers, `must not have more than ${mostNameservers} nameservers`));
  errors.push(...nameservers.flatMap((address, index) => validateLegacyIpField(address, servers.index(index))));
  const paths = at.child('searches');
  if (searches.length > mostSearches) errors.push(invalidValue(paths, searches, `must not have more than ${mostSearches} search paths`));
  if (Buffer.byteLength(searches.join(' ')) > longestSearchList) {
    errors.push(invalidValue(paths, searches, `must not have more than ${longestSearchList} characters (including spaces) in the search list`));
  }
  errors.push(...searches.flatMap((search, index) => validateSearch(search, paths.index(index))));
  for (const [index, { name }] of options.entries()) if (!name) errors.push(required(at.child('options').index(index), 'must not be empty'));
  return errors;
}

export const validateDnsPolicy = (policy: string | undefined, path: FieldPath): FieldError[] =>
  validateEnumInOrder(policy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'], path);

/** In the host's network the ports are the host's. A template may leave that to the pod's defaults. */
export function validateHostNetworkPorts(spec: PodSpec, path: FieldPath, { isPod }: PodSpecOptions): FieldError[] {
  if (!spec.hostNetwork) return [];
  return spec.containers.flatMap(({ ports = [] }, index) =>
    ports.flatMap(({ hostPort = 0, containerPort = 0 }, position) => {
      if (hostPort === containerPort || (!isPod && hostPort === 0)) return [];
      const at = path.child('containers').index(index).child('ports').index(position).child('hostPort');
      return invalidValue(at, hostPort, 'must match `containerPort` when `hostNetwork` is true');
    }),
  );
}

export function validateHostnameOverride(spec: PodSpec, path: FieldPath): FieldError[] {
  const { hostnameOverride: name } = spec;
  if (name === undefined) return [];
  const at = path.child('hostnameOverride');
  const errors: FieldError[] = [];
  if (spec.setHostnameAsFQDN) errors.push(forbiddenField(at, 'may not be specified when setHostnameAsFQDN is true'));
  if (spec.hostNetwork) errors.push(forbiddenField(at, 'may not be specified when hostNetwork is true'));
  if (Buffer.byteLength(name) > 64) errors.push(tooLong(at, 64));
  return [...errors, ...validateDnsSubdomainField(name, at)];
}

export function validateHostnames({ hostname, subdomain }: PodSpec, path: FieldPath): FieldError[] {
  return [
    ...(isSet(hostname) ? validateDnsLabelField(hostname, path.child('hostname')) : []),
    ...(isSet(subdomain) ? validateDnsLabelField(subdomain, path.child('subdomain')) : []),
  ];
}

export const validateHostAliases = ({ hostAliases = [] }: PodSpec, path: FieldPath): FieldError[] =>
  hostAliases.flatMap(({ ip = '', hostnames = [] }, index) => {
    const at = path.child('hostAliases').index(index);
    return [
      ...validateLegacyIpField(ip, at.child('ip')),
      ...hostnames.flatMap((name, position) => validateDnsSubdomainField(name, at.child('hostnames').index(position))),
    ];
  });
