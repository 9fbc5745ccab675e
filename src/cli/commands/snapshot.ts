/** `knarr snapshot save|restore`. */
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UserError } from '../../cluster/config.ts';
import { clusterLayout } from '../../cluster/layout.ts';
import { askSupervisor } from '../../cluster/supervisor/control.ts';
import { readLmdbStore } from '../../store/lmdb.ts';
import { restoreSnapshot, saveSnapshot } from '../../store/snapshot.ts';
import { type ClusterOptions, existingCluster } from '../cluster.ts';

/** Reads beside a running server: LMDB shows one state to a reader while others write. */
export async function save(file: string, options: ClusterOptions): Promise<void> {
  const config = existingCluster(options);
  const directory = clusterLayout(config).store;
  if (!existsSync(directory)) throw new UserError(`the cluster '${config.name}' has no store in ${directory}`);
  const store = await readLmdbStore(directory);
  try {
    const { revision, entries } = await saveSnapshot(store, resolve(file));
    console.log(`Saved ${entries} entries at revision ${revision} to ${file}.`);
  } finally {
    await store.close();
  }
}

/** Puts the restored store in the place of the other one only when it is complete. */
export async function restore(file: string, options: ClusterOptions): Promise<void> {
  const config = existingCluster(options);
  const layout = clusterLayout(config);
  if (!existsSync(file)) throw new UserError(`there is no file ${file}`);
  if (await askSupervisor(layout.supervisorSocket, { do: 'status' })) throw new UserError(`the cluster '${config.name}' is running; 'knarr down' first`);
  const fresh = `${layout.store}.restored`;
  const before = `${layout.store}.before-restore`;
  await rm(fresh, { recursive: true, force: true });
  const { revision, entries } = await restoreSnapshot(resolve(file), fresh);
  await rm(before, { recursive: true, force: true });
  if (existsSync(layout.store)) await rename(layout.store, before);
  await rename(fresh, layout.store);
  console.log(`Restored ${entries} entries at revision ${revision}. The store before is kept in ${before}.`);
}
