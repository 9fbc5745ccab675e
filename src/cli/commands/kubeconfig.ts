/** `knarr kubeconfig`. */
import { parse } from 'yaml';
import { adminKubeconfig, type ClusterOptions, existingCluster } from '../cluster.ts';

export async function kubeconfig(options: ClusterOptions & { output: string }): Promise<void> {
  const text = adminKubeconfig(existingCluster(options));
  process.stdout.write(options.output === 'json' ? `${JSON.stringify(parse(text), null, 2)}\n` : text);
}
