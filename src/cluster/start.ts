/**
 * A control plane inside the calling process, for tests of operators and the like: a real API server on a port of its own,
 * with controllers and a scheduler behind it, and no node.
 */
import { pino } from 'pino';
import { defaultRanges, UserError } from './config.ts';
import { startControlPlane } from './controlplane/controlplane.ts';
import { kubeconfigText } from './controlplane/kubeconfig.ts';
import { readSchedulerFile } from './controlplane/schedulerconfig.ts';
import { isShared, openStore } from './controlplane/store.ts';
import { createPki, issueClient } from './pki/pki.ts';

export interface StartClusterOptions {
  /** `memory` (the default) forgets everything at the end; `lmdb` keeps it in `dataDir`; or etcd endpoints. */
  store?: string;
  dataDir?: string;
  /** TCP port on 127.0.0.1; any that is free when absent. */
  port?: number;
  /** Which controllers run, as upstream's `--controllers`; default all. */
  controllers?: readonly string[];
  /** Default true. */
  scheduler?: boolean;
  /** A `KubeSchedulerConfiguration` file: profiles, plugins, extenders. */
  schedulerConfig?: string;
  /** IPv6 besides IPv4 for services. */
  dualStack?: boolean;
  /** Of pino; `silent` by default. */
  logLevel?: string;
}

export interface Cluster {
  /** `https://127.0.0.1:<port>` */
  url: string;
  port: number;
  /** PEM of the CA that signed the server's certificate. */
  ca: string;
  /** Of an administrator, as text: what `KubeConfig.loadFromString` of a client library takes, or a file for kubectl. */
  kubeconfig: string;
  /** The kubeconfig of any user, known by a client certificate; what they may do is up to RBAC. */
  kubeconfigFor(user: string, groups?: readonly string[]): string;
  /** Controllers and scheduler work. The API answers before that. */
  readonly ready: Promise<void>;
  /** Ends everything: no timer, thread, socket or file stays. */
  stop(): Promise<void>;
}

/** Resolves when the API answers, in about 0.15 s. Several may run at once. */
export async function startCluster(options: StartClusterOptions = {}): Promise<Cluster> {
  const { store: kind = 'memory', dataDir, port = 0, controllers = ['*'], scheduler = true, logLevel = 'silent' } = options;
  if (kind === 'lmdb' && !dataDir) throw new UserError("startCluster: the store 'lmdb' needs a dataDir");
  const pki = createPki();
  const store = await openStore(kind, dataDir ?? '');
  const controlPlane = await startControlPlane({
    store,
    pki,
    listen: [{ address: '127.0.0.1', port }],
    ...defaultRanges(options.dualStack ?? false),
    clusterDomain: 'cluster.local',
    controllers,
    scheduler,
    ...(options.schedulerConfig ? { schedulerFile: readSchedulerFile(options.schedulerConfig) } : {}),
    ...(isShared(kind) ? { leaderElection: {} } : {}),
    log: pino({ level: logLevel }),
  }).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  const { url } = controlPlane;
  const ca = pki.ca.certificate;
  return {
    url,
    port: controlPlane.port,
    ca,
    kubeconfig: kubeconfigText({ server: url, ca, user: 'admin', credentials: pki.leaves.admin }),
    kubeconfigFor: (user, groups = []) => kubeconfigText({ server: url, ca, user, credentials: issueClient(pki, user, groups) }),
    ready: controlPlane.workersReady,
    stop: () => controlPlane.stop(),
  };
}
