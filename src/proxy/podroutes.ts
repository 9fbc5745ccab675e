/** Keeps routes to the pod networks of other nodes that are reachable directly, over the nodes' own addresses. */
import { spawn } from 'node:child_process';
import type { Logger } from 'pino';
import { nodes as nodeKind } from '../api/core/v1/node.ts';
import type { Node } from '../api/core/v1/types.gen.ts';
import type { InformerFactory } from '../client/informer.ts';
import { familyOf } from './endpoints.ts';

/** Marks our routes, so that those of nodes that are gone can be found and removed. */
const routeProtocol = '112';

export interface PodRoute {
  podCidr: string;
  via: string;
}

/** Routes that `self` needs: one per other node and range, over the node's address of the range's family. Pure. */
function podRoutes(nodes: readonly Node[], self: string | undefined): PodRoute[] {
  return nodes
    .filter((node) => node.metadata.name !== self)
    .flatMap((node) => {
      const ranges = node.spec.podCIDRs ?? (node.spec.podCIDR ? [node.spec.podCIDR] : []);
      return ranges.flatMap((podCidr) => {
        const via = node.status?.addresses?.find((one) => one.type === 'InternalIP' && familyOf(one.address) === familyOf(podCidr))?.address;
        return via ? [{ podCidr, via }] : [];
      });
    });
}

function ip(args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(Buffer.concat(out).toString()) : reject(new Error(`ip ${args.join(' ')}: ${Buffer.concat(err).toString().trim()}`)),
    );
    child.stdin.end(input);
  });
}

export interface PodRoutesOptions {
  /** The node that this is; absent on a host that is no node but must reach pods. */
  self?: string;
  /** Only nodes for which this holds get routes. */
  filter?(node: Node): boolean;
  informers: InformerFactory;
  log: Logger;
}

/** Programs routes as nodes come, change and go. `stop` leaves them; `remove` takes them out. */
export function runPodRoutes({ self, filter = () => true, informers, log }: PodRoutesOptions): { stop(): void; remove(): Promise<void> } {
  const nodes = informers.informer(nodeKind);
  let applied = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  let chain = Promise.resolve();

  async function sync(): Promise<void> {
    const wanted = new Map(podRoutes(nodes.list().filter(filter), self).map(({ podCidr, via }) => [podCidr, via]));
    const batch = [
      ...[...applied.keys()].filter((range) => !wanted.has(range)).map((range) => `route del ${range} proto ${routeProtocol}`),
      ...[...wanted].filter(([range, via]) => applied.get(range) !== via).map(([range, via]) => `route replace ${range} via ${via} proto ${routeProtocol}`),
    ];
    if (batch.length === 0) return;
    await ip(['-force', '-batch', '-'], `${batch.join('\n')}\n`);
    applied = wanted;
  }

  const schedule = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      chain = chain.then(sync).catch((error: Error) => {
        log.warn({ err: error }, 'routes to pods of other nodes could not be set');
        setTimeout(schedule, 1_000).unref();
      });
    }, 5);
  };
  nodes.addHandlers({ added: schedule, updated: schedule, deleted: schedule });
  return {
    stop: () => clearTimeout(timer),
    async remove() {
      clearTimeout(timer);
      await chain;
      const batch = [...applied.keys()].map((range) => `route del ${range} proto ${routeProtocol}`);
      if (batch.length > 0) await ip(['-force', '-batch', '-'], `${batch.join('\n')}\n`).catch(() => {});
    },
  };
}
