/** `knarr server`: a control plane in the foreground. */
import { isIP } from 'node:net';
import { type ClusterConfig, clusterId, defaultRanges, loadConfig, saveConfig, UserError } from '../../cluster/config.ts';
import { runServer } from '../../cluster/controlplane/run.ts';
import { apiServerFlagsOf, mergeFlags } from '../apiserverflags.ts';
import { type ClusterOptions, dataDirOf } from '../cluster.ts';
import { controllersOf, type ElectionOptions, electionOf } from '../components.ts';
import { untilSignal } from '../signals.ts';

export interface ServerCommandOptions extends ClusterOptions, ElectionOptions {
  port?: number;
  listen?: string;
  advertiseAddress?: string;
  store?: string;
  etcdCafile?: string;
  etcdCertfile?: string;
  etcdKeyfile?: string;
  controllers: string;
  scheduler: boolean;
  dualStack?: boolean;
  schedulerConfig?: string;
}

export async function server(options: ServerCommandOptions): Promise<void> {
  const listen = (options.listen ?? '').split(',').filter(Boolean);
  for (const address of [...listen, ...(options.advertiseAddress ? [options.advertiseAddress] : [])]) {
    if (!isIP(address)) throw new UserError(`'${address}' is no IP address`, 2);
  }
  const controllers = await controllersOf(options.controllers);
  const election = electionOf(options);
  const { etcdCafile: ca, etcdCertfile: cert, etcdKeyfile: key } = options;
  const { schedulerConfig } = options;
  const schedulerFile =
    schedulerConfig === undefined ? undefined : (await import('../../cluster/controlplane/schedulerconfig.ts')).readSchedulerFile(schedulerConfig);
  const cluster = configOf(options);
  // What the command line says goes before what was kept with the cluster.
  const apiServer = mergeFlags(cluster.apiServer, apiServerFlagsOf(options));
  const config = { ...cluster, apiServer, ...(schedulerFile ? { schedulerFile } : {}) };
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

/** The cluster's own, or that of a control plane whose nodes join from elsewhere. */
function configOf(options: ServerCommandOptions): ClusterConfig {
  const dataDir = dataDirOf(options);
  const existing = loadConfig(dataDir);
  if (existing) {
    if (options.dualStack && !existing.serviceCidr.includes(',')) throw new UserError(`${dataDir} holds a cluster without IPv6; a cluster keeps its families`);
    return options.port ? { ...existing, port: options.port } : existing;
  }
  const config: ClusterConfig = {
    name: options.name,
    id: clusterId(dataDir),
    dataDir,
    port: options.port ?? 6443,
    controlPlaneOnly: true,
    isolated: false,
    ...defaultRanges(options.dualStack ?? false),
    clusterDns: '10.96.0.10',
    clusterDomain: 'cluster.local',
    nodes: [],
  };
  saveConfig(config);
  return config;
}
