/** The downward API: what a pod may know of itself, as text. */
import type { Container, Pod, ResourceFieldSelector } from '../../api/core/v1/types.gen.ts';
import { milliValue, value } from '../../apimachinery/quantity.ts';
import type { NodeResources } from '../node/capacity.ts';

const subscript = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/;

const escapeValue = (text: string): string => JSON.stringify(text);

/** `key="value"` lines in order of the keys, as the downward API writes maps. */
export const formatMap = (map: Record<string, string> | undefined): string =>
  Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, text]) => `${key}=${escapeValue(text)}`)
    .join('\n');

export interface PodFacts {
  podIps: string[];
  hostIps: string[];
  nodeName: string;
}

/** The text of a field; throws for a path that the downward API does not have. */
export function fieldValue(pod: Pod, fieldPath: string, facts: PodFacts): string {
  const { metadata, spec } = pod;
  const [, map, key = ''] = subscript.exec(fieldPath) ?? [];
  if (map) return (map.endsWith('labels') ? metadata.labels : metadata.annotations)?.[key] ?? '';
  const values: Record<string, () => string> = {
    'metadata.name': () => metadata.name,
    'metadata.namespace': () => metadata.namespace ?? '',
    'metadata.uid': () => metadata.uid ?? '',
    'metadata.labels': () => formatMap(metadata.labels),
    'metadata.annotations': () => formatMap(metadata.annotations),
    'spec.nodeName': () => spec.nodeName ?? facts.nodeName,
    'spec.serviceAccountName': () => spec.serviceAccountName ?? '',
    'status.hostIP': () => facts.hostIps[0] ?? '',
    'status.hostIPs': () => facts.hostIps.join(','),
    'status.podIP': () => facts.podIps[0] ?? '',
    'status.podIPs': () => facts.podIps.join(','),
  };
  const read = values[fieldPath];
  if (!read) throw new Error(`unsupported fieldPath: ${fieldPath}`);
  return read();
}

/** A request or limit in units of the divisor, rounded up; without a limit, the node's allocatable counts. */
export function resourceValue(selector: ResourceFieldSelector, pod: Pod, container: Container, node: NodeResources): string {
  const name = selector.containerName && selector.containerName !== container.name ? selector.containerName : container.name;
  const of = [...(pod.spec.initContainers ?? []), ...pod.spec.containers, ...(pod.spec.ephemeralContainers ?? [])].find((one) => one.name === name);
  if (!of) throw new Error(`container ${name} not found`);
  const [which, ...rest] = selector.resource.split('.');
  const resource = rest.join('.');
  const list = which === 'limits' ? of.resources?.limits : which === 'requests' ? of.resources?.requests : undefined;
  if (which !== 'limits' && which !== 'requests') throw new Error(`unsupported container resource : ${selector.resource}`);
  const divisor = selector.divisor === undefined || milliValue(selector.divisor) === 0 ? '1' : selector.divisor;
  const amount = list?.[resource] ?? (which === 'limits' ? (pod.spec.resources?.limits?.[resource] ?? node.allocatable()[resource]) : undefined) ?? '0';
  if (resource === 'cpu') return String(Math.ceil(milliValue(amount) / milliValue(divisor)));
  return String(Math.ceil(value(amount) / value(divisor)));
}
