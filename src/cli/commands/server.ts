/** `knarr server`: a control plane in the foreground. */
import { isIP } from 'node:net';
import { checkElectionTimes, type ElectionTimes } from '../../client/leaderelection.ts';
import { type ClusterConfig, clusterId, loadConfig, saveConfig, UserError } from '../../cluster/config.ts';
import { runServer } from '../../cluster/controlplane/run.ts';
import { type ClusterOptions, dataDirOf, parseDuration } from '../cluster.ts';
import { untilSignal } from '../signals.ts';

export interface ServerCommandOptions extends ClusterOptions {
  port?: number;
  listen?: string;
  advertiseAddress?: string;
  store?: string;
  etcdCafile?: string;
  etcdCertfile?: string;
  etcdKeyfile?: string;
  leaderElectLeaseDuration: string;
  leaderElectRenewDeadline: string;
  leaderElectRetryPeriod: string;
  controllers: string;
  scheduler: boolean;
  schedulerConfig?: string;
}

export async function server(options: ServerCommandOptions): Promise<void> {
  const listen = (options.listen ?? '').split(',').filter(Boolean);
  for (const address of [...listen, ...(options.advertiseAddress ? [options.advertiseAddress] : [])]) {
    if (!isIP(address)) throw new UserError(`'${address}' is no IP address`, 2);
  }
  const controllers = options.controllers.split(',').filter(Boolean);
  await refuseUnknownControllers(controllers);
  const election = electionOf(options);
  const { etcdCafile: ca, etcdCertfile: cert, etcdKeyfile: key } = options;
  const { schedulerConfig } = options;
  const schedulerFile =
    schedulerConfig === undefined ? undefined : (await import('../../cluster/controlplane/schedulerconfig.ts')).readSchedulerFile(schedulerConfig);
  const config = { ...configOf(options), ...(schedulerFile ? { schedulerFile } : {}) };
  const running = await runServer({
    config,
    store: options.store ?? 'lmdb',
    listen,
    ...(options.advertiseAddress ? { advertiseAddress: options.advertiseAddress } : {}),
    controllers,
    scheduler: options.scheduler,
    etcd: { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) },
    election,
  });
  await untilSignal();
  await running.stop();
  process.exit(0);
}

/** A misspelt name would silently leave a controller out, or in. */
async function refuseUnknownControllers(list: readonly string[]): Promise<void> {
  const names = list.filter((name) => name !== '*').map((name) => name.replace(/^-/, ''));
  if (names.length === 0) return;
  const known = new Set((await import('../../controllers/index.ts')).controllers.map(({ name }) => name));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) throw new UserError(`--controllers: ${unknown.map((name) => `"${name}" is not in the list of known controllers`).join(', ')}`, 2);
}

function electionOf(options: ServerCommandOptions): ElectionTimes {
  const times = {
    leaseDurationMs: parseDuration(options.leaderElectLeaseDuration),
    renewDeadlineMs: parseDuration(options.leaderElectRenewDeadline),
    retryPeriodMs: parseDuration(options.leaderElectRetryPeriod),
  };
  try {
    checkElectionTimes(times);
  } catch (error) {
    throw new UserError(`--leader-elect: ${(error as Error).message}`, 2);
  }
  return times;
}

/** The cluster's own, or that of a control plane whose nodes join from elsewhere. */
function configOf(options: ServerCommandOptions): ClusterConfig {
  const dataDir = dataDirOf(options);
  const existing = loadConfig(dataDir);
  if (existing) return options.port ? { ...existing, port: options.port } : existing;
  const config: ClusterConfig = {
    name: options.name,
    id: clusterId(dataDir),
    dataDir,
    port: options.port ?? 6443,
    controlPlaneOnly: true,
    isolated: false,
    podCidr: '10.244.0.0/16',
    serviceCidr: '10.96.0.0/16',
    clusterDns: '10.96.0.10',
    clusterDomain: 'cluster.local',
    nodes: [],
  };
  saveConfig(config);
  return config;
}
