/** A worker node in one process: kubelet, service proxy, routes to other nodes' pods, cluster DNS. Drives a containerd over its socket. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isSimulated, nodes as nodeKind } from '../../api/core/v1/node.ts';
import { splitRanges } from '../../apimachinery/ip.ts';
import type { Client } from '../../client/client.ts';
import { createInformerFactory } from '../../client/informers.ts';
import { createEventRecorder } from '../../client/recorder.ts';
import { nameserversOf, type Resolver } from '../../dns/forward.ts';
import { startDns } from '../../dns/server.ts';
import { createClusterView } from '../../dns/view.ts';
import type { KubeletConfiguration } from '../../kubelet/config/configuration.ts';
import { createCriClient } from '../../kubelet/cri/client.ts';
import { createKubelet } from '../../kubelet/kubelet.ts';
import { runPodRoutes } from '../../proxy/podroutes.ts';
import { createProxy } from '../../proxy/proxy.ts';
import { nodeDnsPort } from '../bootstrap/objects.ts';
import type { CredentialProviderFiles } from '../config.ts';
import { pickSnapshotter } from '../containerd.ts';
import { pauseImage, pauseImageName } from '../images/builtin.ts';
import { importImages } from '../images/import.ts';
import type { NodeLayout } from '../layout.ts';
import type { KeyPair } from '../pki/pki.ts';
import { removeTornResults, writeCniConfiguration } from './cni.ts';
import { removeReleasedVolumes } from './localvolumes.ts';
import { sweepAfterRuntime } from './sweep.ts';

/** What a node must know of its cluster. */
export interface ClusterFacts {
  clusterDns: string;
  clusterDomain: string;
  /** Pods of all nodes: a range, or one of each family separated by a comma. */
  clusterCidr: string;
}

export interface AgentOptions {
  node: string;
  /** The node's addresses, one of each family that the cluster has; the first is where its DNS listens. */
  ips: readonly string[];
  /** As `system:node:<node>`. */
  client: Client;
  facts: ClusterFacts;
  layout: NodeLayout;
  /** Without it the kubelet makes itself a certificate. */
  serving?(): KeyPair;
  /** PEM of the CA whose client certificates the kubelet's server takes. */
  clientCa: string;
  configuration: KubeletConfiguration;
  credentialProviders?: CredentialProviderFiles;
  /** The node's own resolv.conf. */
  resolvConf: string;
  log: Logger;
}

const kubeletPort = 10250;
const pairOf = ({ certificate, key }: KeyPair): { cert: string; key: string } => ({ cert: certificate, key });

export interface RunningAgent {
  stop(): Promise<void>;
}

/** Resolves when everything has started; the node becomes Ready by itself. The runtime must be ready. */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { node, ips, client, facts, layout, serving, log } = options;
  removeTornResults();
  const stopping = new AbortController();
  const informers = createInformerFactory(client, { log });
  const events = createEventRecorder(client, { component: 'kubelet', host: node, log, signal: stopping.signal });

  const own = informers.informer(nodeKind);
  const proxy = createProxy({ node: { name: node }, informers, clusterCidrs: splitRanges(facts.clusterCidr), log: log.child({ component: 'proxy' }) });
  const routes = runPodRoutes({ self: node, filter: (one) => !isSimulated(one), informers, log });
  const useRange = (): void => {
    const { podCIDR, podCIDRs: podCidrs = podCIDR ? [podCIDR] : [] } = own.get('', node)?.spec ?? {};
    if (podCidrs.length === 0) return;
    writeCniConfiguration(layout.cniConf, { podCidrs, stateDir: layout.cniState });
    proxy.setPodCidrs(podCidrs);
  };
  own.addHandlers({ added: useRange, updated: useRange });
  const volumes = removeReleasedVolumes(node, informers, log.child({ component: 'local-volumes' }));
  const view = createClusterView(informers);
  const resolvers = (): Resolver[] => nameserversOf(readFileSync(options.resolvConf, 'utf8')).map((address) => ({ address }));
  const kubelet = createKubelet({
    nodeName: node,
    client,
    informers,
    events,
    log: log.child({ component: 'kubelet' }),
    criEndpoint: layout.containerdSocket,
    rootDir: layout.kubelet,
    podLogsDir: layout.podLogs,
    cgroup: { driver: options.configuration.cgroupDriver, root: layout.cgroupParent },
    clusterDns: [facts.clusterDns],
    clusterDomain: facts.clusterDomain,
    nodeIps: [...ips],
    hostname: node,
    resolvConf: options.resolvConf,
    configuration: options.configuration,
    ...(options.credentialProviders ? { credentialProviders: options.credentialProviders } : {}),
    pinnedImages: [pauseImageName],
    server: { port: kubeletPort, clientCa: options.clientCa, ...(serving ? { current: () => pairOf(serving()) } : {}) },
  });
  // Pods of before ask for names already.
  const dns = await startDns({
    view,
    domain: facts.clusterDomain,
    address: ips[0] as string,
    port: nodeDnsPort,
    resolvers,
    log: log.child({ component: 'dns' }),
  });
  await Promise.all([kubelet.start(), informers.start()]);
  await proxy.start();
  const sweeping = sweepAfterRuntime(layout, log.child({ component: 'sweep' }), stopping.signal);
  log.info({ node }, 'the node runs');

  return {
    async stop() {
      stopping.abort();
      routes.stop();
      await sweeping;
      await volumes.stop();
      await Promise.all([kubelet.stop(), proxy.stop(), dns.close()]);
      await informers.stop();
    },
  };
}

/** Waits until the runtime answers, and gives it the sandbox image if it has none. */
export async function runtimeReady({ containerdSocket: socket, containerdRoot }: NodeLayout, log: Logger): Promise<void> {
  const runtime = createCriClient(socket);
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        await runtime.version();
        break;
      } catch (error) {
        if (attempt % 200 === 199) log.warn({ err: error, socket }, 'still waiting for the container runtime');
        await sleep(25);
      }
    }
    if (await runtime.imageStatus({ image: pauseImageName })) return;
  } finally {
    runtime.close();
  }
  await importImages({ socket, snapshotter: await pickSnapshotter(containerdRoot) }, await pauseImage());
}
