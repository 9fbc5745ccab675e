/** What several commands need: which cluster is meant, a client of its API, durations. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Client } from '../client/client.ts';
import { transportFromKubeconfig } from '../client/kubeconfig.ts';
import { createClient } from '../client/rest.ts';
import { type ClusterConfig, defaultDataDir, loadConfig, UserError } from '../cluster/config.ts';
import { clusterLayout } from '../cluster/layout.ts';

export interface ClusterOptions {
  name: string;
  dataDir?: string;
}

export const dataDirOf = (options: ClusterOptions): string => resolve(options.dataDir ?? defaultDataDir(options.name));

/** The configuration of an existing cluster; a `UserError` when there is none. */
export function existingCluster(options: ClusterOptions): ClusterConfig {
  const dataDir = dataDirOf(options);
  const config = loadConfig(dataDir);
  if (!config) throw new UserError(`there is no cluster in ${dataDir}; 'knarr up' makes one`);
  return config;
}

/** A client as administrator; throws when the cluster has no kubeconfig yet. */
export async function adminClient(config: ClusterConfig): Promise<Client> {
  const file = clusterLayout(config).adminKubeconfig;
  if (!existsSync(file)) throw new UserError(`the cluster '${config.name}' was never up`);
  return createClient(await transportFromKubeconfig(file), { userAgent: 'knarr' });
}

export const adminKubeconfig = (config: ClusterConfig): string => readFileSync(clusterLayout(config).adminKubeconfig, 'utf8');

/** `90s`, `2m`, `1h30m`, `500ms` → milliseconds. */
export function parseDuration(text: string): number {
  const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) throw new UserError(`'${text}' is not a duration; write 90s, 2m or 1h30m`, 2);
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit as string] as number), 0);
}
