/** `knarr kubectl …`: the real kubectl, with the cluster's kubeconfig. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../cluster/config.ts';
import { clusterLayout } from '../../cluster/layout.ts';
import { type ClusterOptions, existingCluster } from '../cluster.ts';

export async function kubectl(args: readonly string[], options: ClusterOptions): Promise<void> {
  const config = existingCluster(options);
  const unpacked = fileURLToPath(new URL('../../../.cache/tools/kubectl', import.meta.url));
  const program = existsSync(unpacked) ? unpacked : 'kubectl';
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, KUBECONFIG: clusterLayout(config).adminKubeconfig } });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new UserError('there is no kubectl on this machine; install kubectl 1.35, 1.36 or 1.37') : error),
    );
    child.once('exit', (code, signal) => resolve(signal ? 1 : (code ?? 1)));
  });
}
