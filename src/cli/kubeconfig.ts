/** The user's own kubeconfig: adds a cluster's context to it, and takes it out again. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { type ClusterConfig, UserError, writeAtomically } from '../cluster/config.ts';
import { clusterLayout } from '../cluster/layout.ts';
import { adminKubeconfig } from './cluster.ts';

interface Named {
  name: string;
  [key: string]: unknown;
}

interface Kubeconfig {
  apiVersion?: string;
  kind?: string;
  clusters?: Named[];
  users?: Named[];
  contexts?: Named[];
  'current-context'?: string;
  [key: string]: unknown;
}

/** `knarr` for the default cluster, `knarr-<name>` for another. */
export const contextName = (config: Pick<ClusterConfig, 'name'>): string => (config.name === 'default' ? 'knarr' : `knarr-${config.name}`);

export const userKubeconfig = (env: NodeJS.ProcessEnv = process.env): string => env.KUBECONFIG?.split(':').find(Boolean) ?? join(homedir(), '.kube/config');

function load(file: string): Kubeconfig {
  if (!existsSync(file)) return { apiVersion: 'v1', kind: 'Config' };
  try {
    return (parse(readFileSync(file, 'utf8')) as Kubeconfig | null) ?? { apiVersion: 'v1', kind: 'Config' };
  } catch (error) {
    throw new UserError(
      `${file} is no kubeconfig (${(error as Error).message.split('\n')[0]}); it was left as it is. --kubeconfig names another file, or none`,
    );
  }
}

const without = (list: Named[] | undefined, name: string): Named[] => (list ?? []).filter((one) => one.name !== name);

/** The cluster's own file, which a user may well have as KUBECONFIG: nothing is added to it, nor taken out. */
const isOwn = (config: ClusterConfig, file: string): boolean => resolve(file) === resolve(clusterLayout(config).adminKubeconfig);

/** Adds or replaces cluster, user and context, and makes the context the current one. */
export function addContext(config: ClusterConfig, file: string): void {
  if (isOwn(config, file)) return;
  const user = load(file);
  const name = contextName(config);
  const admin = parse(adminKubeconfig(config)) as Required<Kubeconfig>;
  const rename = (list: Named[], change: Partial<Named> = {}): Named => ({ ...(list[0] as Named), ...change, name });
  user.clusters = [...without(user.clusters, name), rename(admin.clusters)];
  user.users = [...without(user.users, name), rename(admin.users)];
  user.contexts = [...without(user.contexts, name), { name, context: { cluster: name, user: name } }];
  user['current-context'] = name;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeAtomically(file, stringify(user));
}

/** Takes the context out of the user's kubeconfig if it is there and points to this cluster. */
export function removeContext(config: ClusterConfig, file = userKubeconfig()): void {
  if (isOwn(config, file) || !existsSync(file)) return;
  const user = load(file);
  const name = contextName(config);
  const cluster = user.clusters?.find((one) => one.name === name)?.cluster as { server?: string } | undefined;
  if (!cluster?.server?.endsWith(`:${config.port}`)) return;
  user.clusters = without(user.clusters, name);
  user.users = without(user.users, name);
  user.contexts = without(user.contexts, name);
  if (user['current-context'] === name) user['current-context'] = user.contexts[0]?.name ?? '';
  writeAtomically(file, stringify(user));
}
