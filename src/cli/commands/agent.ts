/** `knarr agent`: a worker node in the foreground, as a part of `up` (`--data-dir`, `--node`) or joined to a server (`--server`, `--token`). */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { credentialProviderFiles, readKubeletConfig } from '../../cluster/agent/kubeletconfig.ts';
import { type KubeletFiles, runJoinedAgent, runLocalAgent } from '../../cluster/agent/run.ts';
import { defaultDataDir, UserError } from '../../cluster/config.ts';
import { requireRuntime } from '../../cluster/runtimes.ts';
import type { ClusterOptions } from '../cluster.ts';
import { existingCluster } from '../cluster.ts';
import { untilSignal } from '../signals.ts';

export interface AgentCommandOptions extends ClusterOptions {
  server?: string;
  token?: string;
  node?: string;
  config?: string;
  podManifestPath?: string;
  imageCredentialProviderConfig?: string;
  imageCredentialProviderBinDir?: string;
  defaultRuntime?: string;
}

export async function agent(options: AgentCommandOptions): Promise<void> {
  if (process.getuid?.() !== 0) throw new UserError('a node runs containers, and that needs root');
  const asked = untilSignal();
  const running = await Promise.race([options.server ? joined(options.server, options) : local(options), asked]);
  await asked;
  // One that is still starting may wait for a server that never comes.
  await running?.stop();
  process.exit(0);
}

function local(options: AgentCommandOptions): Promise<{ stop(): Promise<void> }> {
  const config = existingCluster(options);
  const node = config.nodes.find(({ name }) => name === options.node);
  if (!node)
    throw new UserError(`the cluster '${config.name}' has no node '${options.node ?? ''}' on this machine; --server and --token join another cluster`, 2);
  return runLocalAgent(config, node, kubeletFiles(options));
}

function joined(server: string, options: AgentCommandOptions): Promise<{ stop(): Promise<void> }> {
  if (!URL.canParse(server) || new URL(server).protocol !== 'https:') throw new UserError(`--server: '${server}' is no https:// address`, 2);
  const dataDir = resolve(options.dataDir ?? `${defaultDataDir(options.name)}-agent`);
  const node = (options.node ?? hostname()).toLowerCase();
  return runJoinedAgent({ server, dataDir, node, ...(options.token ? { token: options.token } : {}), ...runtimeOf(options), ...kubeletFiles(options) });
}

const runtimeOf = ({ defaultRuntime: name }: AgentCommandOptions): { defaultRuntime?: string } => (name ? { defaultRuntime: requireRuntime(name) } : {});

const kubeletFiles = ({ config, podManifestPath, ...providers }: AgentCommandOptions): KubeletFiles => ({
  ...credentialProviderFiles(providers),
  ...(config ? { config: readKubeletConfig(config) } : {}),
  ...(podManifestPath ? { manifests: resolve(podManifestPath) } : {}),
});
