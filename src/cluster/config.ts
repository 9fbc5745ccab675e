/**
 * What a cluster on this machine is made of: written once by `up`, read by supervisor, server and agents.
 * Stands in `<data-dir>/cluster.json`; the data directory's format version stands in `<data-dir>/VERSION`.
 */
import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ApiServerFlags } from './controlplane/apiserverflags.ts';

/** Raised when the layout of a data directory changes so that an older knarr can't read it. */
const dataFormat = 1;

export interface NodeConfig {
  name: string;
  /** Address on the cluster's bridge. */
  ip: string;
  /** The same of the other family, where the cluster has both. */
  ip6?: string;
}

/** Nodes whose pods run without containers; durations in milliseconds. */
export interface SimulatedNodesConfig {
  count: number;
  /** Quantities by resource name; absent: the simulation's. */
  resources?: Record<string, string>;
  startDelayMs?: number;
  jobRunTimeMs?: number;
  stopDelayMs?: number;
}

/** A `CredentialProviderConfig`, and the directory of the programs that it names; full paths. */
export interface CredentialProviderFiles {
  config: string;
  binDir: string;
}

export interface ClusterConfig {
  name: string;
  /** Eight hexadecimal digits of the data directory's path: keeps interfaces and namespaces of several clusters apart. */
  id: string;
  dataDir: string;
  /** TCP port of the API server on loopback and on the bridge. */
  port: number;
  controlPlaneOnly: boolean;
  isolated: boolean;
  /** `10.200.<n>.0/24`; the host has `.1`. Absent with `controlPlaneOnly`. */
  bridgeSubnet?: string;
  /** `fd00:10:200:<n>::/64`, likewise, where the cluster has both families. */
  bridgeSubnet6?: string;
  /** A range, or one of each family separated by a comma, as upstream's flags have it; so is the next. */
  podCidr: string;
  serviceCidr: string;
  clusterDns: string;
  clusterDomain: string;
  nodes: NodeConfig[];
  /** Flags of the API server, by name; what they name is read when the server starts. */
  apiServer?: ApiServerFlags;
  /** A `KubeSchedulerConfiguration` as the user gave it, and the directory that it stood in. */
  schedulerFile?: { text: string; directory: string };
  /** A `KubeletConfiguration` for all nodes of this machine, as the user gave it. */
  kubelet?: Record<string, unknown>;
  credentialProviders?: CredentialProviderFiles;
  /** Runtime handler of pods without a RuntimeClass; runc when absent. */
  defaultRuntime?: string;
  simulated?: SimulatedNodesConfig;
}

/** Ranges of pods and services where nobody chose others. */
export const defaultRanges = (
  dualStack: boolean,
  { podCidr, podCidr6 } = { podCidr: '10.244.0.0/16', podCidr6: 'fd00:10:244::/56' },
): Pick<ClusterConfig, 'podCidr' | 'serviceCidr'> => ({
  podCidr: dualStack ? `${podCidr},${podCidr6}` : podCidr,
  serviceCidr: dualStack ? '10.96.0.0/16,fd00:10:96::/112' : '10.96.0.0/16',
});

/** A sentence for the user, without a stack trace. */
export class UserError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'UserError';
    this.exitCode = exitCode;
  }
}

export const clusterId = (dataDir: string): string => createHash('sha256').update(dataDir).digest('hex').slice(0, 8);

/** The directory of cluster `name` when the user names none: for root under `/var/lib`, else under the home directory. */
export function defaultDataDir(name: string, env: NodeJS.ProcessEnv = process.env): string {
  if (process.getuid?.() === 0) return join('/var/lib/knarr', name);
  const base = env.XDG_DATA_HOME ?? join(env.HOME ?? '.', '.local/share');
  return join(base, 'knarr', name);
}

/** Undefined when there is no cluster; a `UserError` when the directory is of a newer knarr or can't be read. */
export function loadConfig(dataDir: string): ClusterConfig | undefined {
  const version = readIfThere(join(dataDir, 'VERSION'));
  if (version === undefined) return undefined;
  if (Number(version) > dataFormat) {
    throw new UserError(
      `the data directory ${dataDir} was written by a newer knarr (format ${version.trim()}, this one knows ${dataFormat}); it was left as it is`,
    );
  }
  const text = readIfThere(join(dataDir, 'cluster.json'));
  if (text === undefined) return undefined;
  try {
    const config = JSON.parse(text) as ClusterConfig;
    // Moved or copied since: what it says of itself is of another place, which may have a cluster of its own.
    return config.dataDir === dataDir ? config : { ...config, dataDir, id: clusterId(dataDir) };
  } catch (error) {
    throw new UserError(`${join(dataDir, 'cluster.json')} is damaged: ${(error as Error).message}`);
  }
}

/** Writes atomically: a crash leaves the old file or the new one. */
export function saveConfig(config: ClusterConfig): void {
  try {
    mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
    writeAtomically(join(config.dataDir, 'cluster.json'), `${JSON.stringify(config, null, 2)}\n`);
    writeAtomically(join(config.dataDir, 'VERSION'), `${dataFormat}\n`);
  } catch (error) {
    throw explainDisk(error, config.dataDir);
  }
}

export function writeAtomically(file: string, content: string | Uint8Array, mode = 0o600): void {
  const temporary = `${file}.${process.pid}.new`;
  writeFileSync(temporary, content, { mode, flush: true });
  renameSync(temporary, file);
}

/** A full, read-only or forbidden directory as a sentence; any other error as it is. */
export function explainDisk(error: unknown, dataDir: string): unknown {
  const code = diskError(error) ?? diskError((error as Error).cause);
  const why: Record<string, string> = {
    ENOSPC: 'there is no space left on its disk',
    EROFS: 'its file system is read-only',
    EACCES: 'you may not write there',
    EPERM: 'you may not write there',
    ENOTDIR: 'a part of its path is a file',
  };
  // Making a directory with its parents fails with ENOENT in Node where the file system is read-only.
  const meant = code === 'ENOENT' ? accessProblem(dataDir) : code;
  return meant && why[meant] ? new UserError(`can't write to the data directory ${dataDir}: ${why[meant]}`) : error;
}

const diskError = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;

/** Why the nearest directory that exists can't be written. */
function accessProblem(path: string): string | undefined {
  try {
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (error) {
    const code = diskError(error);
    return code === 'ENOENT' && dirname(path) !== path ? accessProblem(dirname(path)) : code;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // What stands below a file is not there either; writing it tells why.
    if (['ENOENT', 'ENOTDIR'].includes(diskError(error) ?? '')) return undefined;
    if (diskError(error) === 'EACCES') throw new UserError(`can't read ${file}: permission denied`);
    throw error;
  }
}
