/** Where a node's kubelet listens. */
import { isSimulated } from '../../../api/core/v1/node.ts';
import type { Node } from '../../../api/core/v1/types.gen.ts';
import { badRequest, StatusError } from '../../../apimachinery/errors.ts';
import type { DialTarget } from './dial.ts';

const addressTypes = ['InternalIP', 'ExternalIP', 'InternalDNS', 'ExternalDNS', 'Hostname'];
const defaultPort = 10250;

/** A simulated node's address leads nowhere, or to somebody else's machine: nothing is sent there. */
export function kubeletOf(node: Node): DialTarget {
  const { metadata, status } = node;
  if (isSimulated(node))
    throw badRequest(
      `node ${JSON.stringify(metadata.name)} is simulated: no containers run there, so there is nothing to read, to enter, to reach or to measure`,
    );
  const addresses = status?.addresses ?? [];
  for (const type of addressTypes) {
    const found = addresses.find((address) => address.type === type);
    if (found) return { host: found.address, port: status?.daemonEndpoints?.kubeletEndpoint?.Port || defaultPort, node: metadata.name };
  }
  throw new StatusError(500, '', `no preferred addresses found; known addresses: [${addresses.map(({ type }) => type).join(' ')}]`);
}

export interface ProxyName {
  scheme: string;
  name: string;
  port: string;
}

/** `name`, `name:port`, or `scheme:name:port`, as proxy subresources write it. Fails with 400. */
export function splitProxyName(text: string, kind: string): ProxyName {
  const parts = text.split(':');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1) return { scheme: '', name: first, port: '' };
  if (parts.length === 2) return { scheme: '', name: first, port: second };
  if (parts.length === 3 && (first === '' || first === 'http' || first === 'https')) return { scheme: first, name: second, port: third };
  throw badRequest(`invalid ${kind} request ${JSON.stringify(text)}`);
}
