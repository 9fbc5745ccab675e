/** `knarr down`. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { loadConfig, UserError } from '../../cluster/config.ts';
import { clusterLayout } from '../../cluster/layout.ts';
import { SupervisedChild } from '../../cluster/supervisor/child.ts';
import { askSupervisor } from '../../cluster/supervisor/control.ts';
import { allSpecs } from '../../cluster/supervisor/specs.ts';
import { takeBack } from '../../cluster/supervisor/takeback.ts';
import { type ClusterOptions, dataDirOf } from '../cluster.ts';
import { removeContext } from '../kubeconfig.ts';
import { createProgress } from '../progress.ts';
import { self } from '../self.ts';

export async function down(options: ClusterOptions & { purge?: boolean }): Promise<void> {
  const dataDir = dataDirOf(options);
  const config = loadConfig(dataDir);
  if (!config) {
    console.error(`There is no cluster in ${dataDir}.`);
    return;
  }
  const progress = createProgress();
  const layout = clusterLayout(config);
  progress.step('Stopping');
  if (!(await askSupervisor(layout.supervisorSocket, { do: 'stop' }))) {
    // No supervisor: a reboot, or it was killed. What it would take back is taken back here.
    const quiet = (): void => {};
    await takeBack(
      config,
      allSpecs(config, self()).map((spec) => new SupervisedChild(spec, quiet)),
      quiet,
    );
    rmSync(layout.run, { recursive: true, force: true });
  }
  removeContext(config);
  if (options.purge) {
    refuseMounted(dataDir);
    rmSync(dataDir, { recursive: true, force: true });
  }
  progress.done(options.purge ? `Cluster '${config.name}' is gone, its data too.` : `Cluster '${config.name}' is down; its data stays in ${dataDir}.`);
}

/** Deleting through a mount would delete what is mounted. */
function refuseMounted(dataDir: string): void {
  const mounts = existsSync('/proc/self/mountinfo') ? readFileSync('/proc/self/mountinfo', 'utf8') : '';
  const inside = mounts.split('\n').find((line) => (line.split(' ')[4] ?? '').startsWith(`${dataDir}/`));
  if (inside) throw new UserError(`${inside.split(' ')[4]} is still mounted; not deleting ${dataDir}`);
}
