/** Keeps the EndpointSlice of the DNS service: every node runs a server, and is told to use its own first. */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { isSimulated, nodes as nodeKind } from '../../api/core/v1/node.ts';
import type { Node } from '../../api/core/v1/types.gen.ts';
import { endpointslices } from '../../api/discovery/v1/endpointslice.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.gen.ts';
import { isAlreadyExists, isNotFound } from '../../apimachinery/errors.ts';
import type { Client } from '../../client/client.ts';
import type { InformerFactory } from '../../client/informer.ts';
import { nodeDnsPort } from '../bootstrap/objects.ts';

const namespace = 'kube-system';
const service = 'kube-dns';
/** Short, so that nodes which join together share a write; milliseconds. */
const gatherMs = 20;
const retryMs = 1_000;

const addressOf = (node: Node): string | undefined =>
  node.status?.addresses?.find(({ type, address }) => type === 'InternalIP' && !address.includes(':'))?.address;
const isReady = (node: Node): boolean => node.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';

/** The slice that the nodes make up. Pure. */
function dnsSlice(nodes: readonly Node[]): EndpointSlice {
  const endpoints = nodes
    .filter((node) => !isSimulated(node))
    .flatMap((node) => {
      const address = addressOf(node);
      const name = node.metadata.name as string;
      const ready = isReady(node);
      return address
        ? [{ addresses: [address], nodeName: name, conditions: { ready, serving: ready, terminating: false }, hints: { forNodes: [{ name }] } }]
        : [];
    })
    .sort((a, b) => (a.nodeName < b.nodeName ? -1 : 1));
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${service}-nodes`,
      namespace,
      labels: { 'kubernetes.io/service-name': service, 'endpointslice.kubernetes.io/managed-by': 'knarr' },
    },
    addressType: 'IPv4',
    endpoints,
    ports: [
      { name: 'dns', port: nodeDnsPort, protocol: 'UDP' },
      { name: 'dns-tcp', port: nodeDnsPort, protocol: 'TCP' },
    ],
  };
}

export function publishDnsEndpoints(client: Client, informers: InformerFactory, log: Logger): { stop(): Promise<void> } {
  const nodes = informers.informer(nodeKind);
  const slices = client.resource(endpointslices);
  let written: EndpointSlice['endpoints'];
  let timer: NodeJS.Timeout | undefined;
  let work = Promise.resolve();
  let stopped = false;

  async function write(): Promise<void> {
    const wanted = dnsSlice(nodes.list());
    if (isDeepStrictEqual(wanted.endpoints, written)) return;
    try {
      const standing = await slices.get(namespace, wanted.metadata.name as string);
      await slices.update({ ...standing, endpoints: wanted.endpoints, ports: wanted.ports });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await slices.create(wanted).catch((failure: unknown) => {
        if (!isAlreadyExists(failure)) throw failure;
      });
    }
    written = wanted.endpoints;
  }

  const schedule = (milliseconds: number): void => {
    if (stopped) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      work = work.then(write).catch((error: unknown) => {
        log.warn({ err: error }, 'the endpoints of cluster DNS could not be written');
        schedule(retryMs);
      });
    }, milliseconds);
  };
  const soon = (): void => schedule(gatherMs);
  nodes.addHandlers({ added: soon, updated: soon, deleted: soon });
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await work;
    },
  };
}
