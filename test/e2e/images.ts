/** Images for tests, made from the machine's busybox. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { busyboxImage } from '../../src/cluster/images/builtin.ts';
import type { TestCluster } from './cluster.ts';

export const busybox = 'docker.io/library/knarr-busybox:test';

/** Imports busybox into every node. */
export async function importBusybox(cluster: TestCluster): Promise<void> {
  const archive = join(cluster.dataDir, 'busybox.tar');
  await writeFile(archive, await busyboxImage(busybox));
  await cluster.importImage(archive);
}
