/** `knarr server`: the control plane of a cluster on this machine, with what it does for its nodes on the host. */
import { mkdirSync } from 'node:fs';
import { pino } from 'pino';
import { type Cidr, formatIp, ipAt, parseCidr, splitRanges } from '../../apimachinery/ip.ts';
import type { ElectionTimes } from '../../client/leaderelection.ts';
import { DataVersionError, StoreFullError, StoreLockedError } from '../../store/store.ts';
import { publishFacts } from '../agent/facts.ts';
import { type ClusterConfig, explainDisk, UserError, writeAtomically } from '../config.ts';
import { gatewayOf } from '../host/network.ts';
import { clusterLayout } from '../layout.ts';
import { loadOrCreatePki } from '../pki/files.ts';
import { accessOf } from './access.ts';
import { startControlPlane } from './controlplane.ts';
import { publishDnsEndpoints } from './dnsendpoints.ts';
import { runHostSide } from './hostside.ts';
import { kubeconfigText } from './kubeconfig.ts';
import { collectWhenQuiet } from './quiet.ts';
import { type EtcdFiles, isShared, openStore } from './store.ts';

export interface ServerOptions {
  config: ClusterConfig;
  /** `lmdb`, `memory`, or etcd endpoints. */
  store: string;
  etcd?: EtcdFiles;
  /** Addresses besides loopback and the cluster's bridge. */
  listen: readonly string[];
  advertiseAddress?: string;
  controllers: readonly string[];
  scheduler: boolean;
  /** How servers on one etcd cluster take turns. */
  election?: ElectionTimes;
}

export async function runServer({
  config,
  store: storeKind,
  etcd,
  listen,
  advertiseAddress,
  controllers,
  scheduler,
  election = {},
}: ServerOptions): Promise<{ stop(): Promise<void> }> {
  const log = pino({ level: process.env.KNARR_LOG_LEVEL ?? 'info', name: 'server' });
  collectWhenQuiet();
  const layout = clusterLayout(config);
  const bridge = config.bridgeSubnet ? gatewayOf(config.bridgeSubnet) : undefined;
  const addresses = [...new Set(['127.0.0.1', ...(bridge ? [bridge] : []), ...listen])];
  const advertised = advertiseAddress ?? bridge ?? listen.find((address) => !address.startsWith('127.') && address !== '0.0.0.0');
  const access = config.apiServer ? await accessOf(config.apiServer) : undefined;
  try {
    mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
    const hosts = [...addresses, ...(advertised ? [advertised] : [])].filter((address) => address !== '0.0.0.0');
    const pki = await loadOrCreatePki(layout.pki, { hosts, serviceIps: splitRanges(config.serviceCidr).map(firstOf), clusterDomain: config.clusterDomain });
    const store = await openStore(storeKind, layout.store, etcd);
    const controlPlane = await startControlPlane({
      store,
      pki,
      listen: listenOn(addresses, config.port),
      ...(advertised ? { advertiseAddress: advertised } : {}),
      serviceCidr: config.serviceCidr,
      podCidr: config.podCidr,
      clusterDns: config.clusterDns,
      clusterDomain: config.clusterDomain,
      // Nodes of `up` share this machine's disk: their volumes go with the cluster's data.
      ...(bridge ? { localVolumeDir: layout.volumes } : {}),
      controllers,
      scheduler,
      ...(config.schedulerFile ? { schedulerFile: config.schedulerFile } : {}),
      ...(isShared(storeKind) ? { leaderElection: election } : {}),
      resourceMetrics: true,
      ...(access ? { access } : {}),
      prepare: (client) => publishFacts(client, config),
      log,
    });
    const { client, informers } = controlPlane;
    const dns = publishDnsEndpoints(client, informers, log);
    const host = bridge ? runHostSide(config, informers, log) : undefined;
    void informers.start();
    const kubeconfig = { server: controlPlane.url, ca: pki.ca.certificate, user: 'admin', credentials: pki.leaves.admin };
    writeAtomically(layout.adminKubeconfig, kubeconfigText(kubeconfig));
    log.info({ url: controlPlane.url }, 'the API server is ready');
    return {
      async stop() {
        await Promise.all([dns.stop(), host?.stop()]);
        await controlPlane.stop();
      },
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw new UserError(`port ${config.port} is in use; --port names another`);
    if (error instanceof StoreLockedError || error instanceof DataVersionError || error instanceof StoreFullError) throw new UserError(error.message);
    // Of a file that a flag names, or of a store that was encrypted with other keys.
    if (error instanceof Error && ['ConfigurationError', 'DecryptionError'].includes(error.name)) throw new UserError(error.message);
    throw explainDisk(error, config.dataDir);
  }
}

/** A wildcard address covers all others. */
const listenOn = (addresses: readonly string[], port: number): { address: string; port: number }[] =>
  (addresses.includes('0.0.0.0') ? ['0.0.0.0'] : addresses).map((address) => ({ address, port }));

/** The first address of a range is the API server's own service: `10.96.0.0/16` → `10.96.0.1`. */
const firstOf = (range: string): string => formatIp(ipAt(parseCidr(range) as Cidr, 1n));
