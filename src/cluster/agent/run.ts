/** The two ways of being a node: made by `up` on the control plane's machine, or joined to a server elsewhere. */
import { mkdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { isIPv6Cidr, splitRanges } from '../../apimachinery/ip.ts';
import type { Client } from '../../client/client.ts';
import { type ClientCredentials, createHttpsTransport } from '../../client/https.ts';
import { createClient } from '../../client/rest.ts';
import { type ClusterConfig, type CredentialProviderFiles, clusterId, type NodeConfig, UserError, writeAtomically } from '../config.ts';
import { gatewayOf } from '../host/network.ts';
import { nodeResolvConf, readHostResolvConf } from '../host/resolvconf.ts';
import { clusterLayout, type NodeLayout, nodeLayout } from '../layout.ts';
import { loadOrCreatePki } from '../pki/files.ts';
import { isUsable, type KeyPair } from '../pki/pki.ts';
import { prepareNode } from '../preparenode.ts';
import { SupervisedChild } from '../supervisor/child.ts';
import { joinedContainerdSpec } from '../supervisor/specs.ts';
import { runtimeReady, startAgent } from './agent.ts';
import { nodeCredentials, readPair, writePair } from './credentials.ts';
import { factsOf, readFacts } from './facts.ts';
import { kubeletConfiguration } from './kubeletconfig.ts';

const log = pino({ level: process.env.KNARR_LOG_LEVEL ?? 'info', name: 'agent' });
/** How often a node looks whether its certificate is near its end. */
const renewalCheckMs = 6 * 60 * 60 * 1000;

interface Stoppable {
  stop(): Promise<void>;
}

const clientWith = (server: string, ca: string, credentials: () => ClientCredentials): Client =>
  createClient(createHttpsTransport({ server, ca, credentials }), { userAgent: 'knarr-agent' });

/** Keeps a value fresh until stopped. A renewal that fails is tried again the next time. */
function renewing(renew: () => Promise<void> | void): () => void {
  const timer = setInterval(async () => {
    try {
      await renew();
    } catch (error) {
      log.error({ err: error }, "the node's certificate could not be renewed");
    }
  }, renewalCheckMs);
  return () => clearInterval(timer);
}

/** Runs inside the node's network namespace; the supervisor put it there and runs containerd beside it. */
export async function runLocalAgent(config: ClusterConfig, { name, ip, ip6 }: NodeConfig, kubelet: KubeletFiles = {}): Promise<Stoppable> {
  const layout = nodeLayout(config, name);
  const configuration = kubeletConfiguration(kubelet.config ?? config.kubelet, kubelet.manifests ?? clusterLayout(config).manifests);
  const pki = await loadOrCreatePki(clusterLayout(config).pki);
  const ips = [ip, ...(ip6 ? [ip6] : [])];
  let credentials = nodeCredentials(pki, layout, name, ips);
  const endRenewing = renewing(() => {
    credentials = nodeCredentials(pki, layout, name, ips);
  });
  const gateway = gatewayOf(config.bridgeSubnet as string);
  const resolvConf = join(layout.root, 'resolv.conf');
  writeAtomically(resolvConf, nodeResolvConf(readHostResolvConf(), { forwarder: gateway, isolated: config.isolated }), 0o644);
  const client = clientWith(`https://${gateway}:${config.port}`, pki.ca.certificate, () => ({
    cert: credentials.client.certificate,
    key: credentials.client.key,
  }));
  const facts = factsOf(config);
  // Server and runtime start beside the agent, and beside each other.
  await Promise.all([untilServed(client), runtimeReady(layout, log)]);
  const agent = await startAgent({
    node: name,
    ips,
    client,
    facts,
    layout,
    configuration,
    ...((kubelet.credentialProviders ?? config.credentialProviders) ? { credentialProviders: kubelet.credentialProviders ?? config.credentialProviders } : {}),
    serving: () => credentials.serving,
    clientCa: pki.ca.certificate,
    resolvConf,
    log,
  });
  return {
    async stop() {
      endRenewing();
      await agent.stop();
      await client.close();
    },
  };
}

/** The server starts beside the agents: asking often until it answers is quicker than the back-off of everybody who asks. */
async function untilServed(client: Client): Promise<void> {
  for (;;) {
    try {
      await client.raw('GET', '/readyz');
      return;
    } catch {
      await sleep(30);
    }
  }
}

/** What a user says of one node's kubelet. */
export interface KubeletFiles {
  /** As {@link readKubeletConfig} gives it. */
  config?: Record<string, unknown>;
  /** Directory of static pods. */
  manifests?: string;
  credentialProviders?: CredentialProviderFiles;
}

export interface JoinOptions extends KubeletFiles {
  server: string;
  token?: string;
  dataDir: string;
  node: string;
  /** Runtime handler of pods without a RuntimeClass. */
  defaultRuntime?: string;
}

/** Uses the host's network, and looks after a containerd of its own; one that an agent which was killed left behind is taken over. */
export async function runJoinedAgent({
  server,
  token,
  dataDir,
  node,
  config,
  manifests,
  credentialProviders,
  defaultRuntime,
}: JoinOptions): Promise<Stoppable> {
  const cluster = { dataDir, id: clusterId(dataDir) };
  const layout = nodeLayout(cluster, node);
  const configuration = kubeletConfiguration(config, manifests ?? clusterLayout(cluster).manifests);
  const caFile = join(layout.pki, 'ca.crt');
  const ca = await known(caFile, async () => {
    if (!token) throw new UserError('this machine has not joined yet: --token is missing', 2);
    return (await import('./join.ts')).discoverCa(server, token);
  });
  let pair = await ensureCertificate(layout, { server, ca, node, ...(token ? { token } : {}) });
  const endRenewing = renewing(async () => {
    pair = await ensureCertificate(layout, { server, ca, node });
  });
  const client = clientWith(server, ca, () => ({ cert: pair.certificate, key: pair.key }));
  const facts = await readFacts(client);
  await prepareNode(cluster, node, { defaultRuntime, cgroupDriver: configuration.cgroupDriver });
  const containerd = new SupervisedChild(joinedContainerdSpec(cluster, node), (message) => log.info(message));
  containerd.start();
  // Also when the agent is asked to end before it has begun.
  process.once('exit', () => containerd.terminate());
  await runtimeReady(layout, log);
  const resolvConf = '/etc/resolv.conf';
  const agent = await startAgent({
    node,
    ips: splitRanges(facts.clusterCidr).map(primaryAddress),
    client,
    facts,
    layout,
    configuration,
    ...(credentialProviders ? { credentialProviders } : {}),
    clientCa: ca,
    resolvConf,
    log,
  });
  return {
    async stop() {
      endRenewing();
      await agent.stop();
      await client.close();
      await containerd.stop();
    },
  };
}

async function known(file: string, find: () => Promise<string>): Promise<string> {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const found = await find();
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
  writeAtomically(file, found, 0o644);
  return found;
}

async function ensureCertificate(
  layout: NodeLayout,
  { server, ca, node, token }: { server: string; ca: string; node: string; token?: string },
): Promise<KeyPair> {
  const found = readPair(layout.pki, 'kubelet-client');
  // The authority's key is not here; whether it signed the pair is the server's to say.
  if (found && isUsable(found, { certificate: ca, key: '' }, new Date())) return found;
  if (!found && !token) throw new UserError('this machine has not joined yet: --token is missing', 2);
  const credentials = token ? { token } : { cert: found?.certificate, key: found?.key };
  const { requestNodeCertificate } = await import('./join.ts');
  const pair = await requestNodeCertificate({ server, ca, credentials }, node);
  writePair(layout.pki, 'kubelet-client', pair);
  return pair;
}

/** The first address of this machine, of the family of a range of pods, that is neither loopback nor good for one link alone. */
function primaryAddress(range: string): string {
  const family = isIPv6Cidr(range) ? 'IPv6' : 'IPv4';
  const address = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find((one) => !one.internal && one.family === family && !one.address.startsWith('fe80:'))?.address;
  if (!address) throw new UserError(`this machine has no ${family} address that other nodes could reach`);
  return address;
}
