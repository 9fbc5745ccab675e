/**
 * What the server of `up` does for its nodes on the host that they share: routes to their pods, node ports published on the host,
 * and a DNS forwarder for resolvers that only the host can reach.
 */
import type { Logger } from 'pino';
import { isSimulated } from '../../api/core/v1/node.ts';
import { services as serviceKind } from '../../api/core/v1/service.ts';
import type { Service } from '../../api/core/v1/types.gen.ts';
import type { InformerFactory } from '../../client/informer.ts';
import { runPodRoutes } from '../../proxy/podroutes.ts';
import type { ClusterConfig } from '../config.ts';
import { gatewayOf } from '../host/network.ts';
import { loopbackResolvers, readHostResolvConf } from '../host/resolvconf.ts';
import { type PublishedPort, publishedPorts } from '../host/ruleset.ts';
import { run } from '../host/run.ts';

const gatherMs = 20;
const retryMs = 1_000;

/** The node ports of all services. Pure. */
const nodePortsOf = (services: readonly Service[]): PublishedPort[] =>
  services.flatMap(({ spec }) =>
    spec.type !== 'NodePort' && spec.type !== 'LoadBalancer'
      ? []
      : (spec.ports ?? []).flatMap(({ nodePort, protocol }) =>
          nodePort ? [{ port: nodePort, protocol: (protocol ?? 'TCP').toLowerCase() as PublishedPort['protocol'] }] : [],
        ),
  );

export function runHostSide(config: ClusterConfig, informers: InformerFactory, log: Logger): { stop(): Promise<void> } {
  const routes = runPodRoutes({ filter: (node) => !isSimulated(node), informers, log });
  const publisher = config.isolated ? undefined : publishNodePorts(config, informers, log);
  const forwarder = config.isolated ? undefined : forwardDns(config, log);
  return {
    async stop() {
      routes.stop();
      publisher?.stop();
      await (await forwarder)?.close();
    },
  };
}

function publishNodePorts(config: ClusterConfig, informers: InformerFactory, log: Logger): { stop(): void } {
  const services = informers.informer(serviceKind);
  let timer: NodeJS.Timeout | undefined;
  let applied = '';
  let work = Promise.resolve();

  async function sync(): Promise<void> {
    const text = publishedPorts(config, nodePortsOf(services.list()));
    if (text === applied) return;
    await run('nft', ['-f', '-'], { input: text });
    applied = text;
  }
  const schedule = (milliseconds: number): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      work = work.then(sync).catch((error: unknown) => {
        log.warn({ err: error }, 'node ports could not be published on the host');
        schedule(retryMs);
      });
    }, milliseconds);
  };
  const soon = (): void => schedule(gatherMs);
  services.addHandlers({ added: soon, updated: soon, deleted: soon });
  return { stop: () => clearTimeout(timer) };
}

/** Only where the host's resolvers are on its loopback. A host that answers on the bridge itself needs no help. */
async function forwardDns(config: ClusterConfig, log: Logger): Promise<{ close(): Promise<void> } | undefined> {
  if (loopbackResolvers(readHostResolvConf()).length === 0) return undefined;
  const { startDns } = await import('../../dns/server.ts');
  try {
    return await startDns({
      domain: config.clusterDomain,
      address: gatewayOf(config.bridgeSubnet as string),
      port: 53,
      resolvers: () => loopbackResolvers(readHostResolvConf()).map((address) => ({ address })),
      log,
    });
  } catch (error) {
    log.info({ err: error }, 'no DNS forwarder on the bridge; another resolver of this host may answer there');
    return undefined;
  }
}
