/** The store that `--store` names. */
import type { Store } from '../../store/store.ts';
import { UserError } from '../config.ts';

/** `memory`, `lmdb` (in `directory`), or the endpoints of an etcd cluster, separated by commas. */
export async function openStore(kind: string, directory: string): Promise<Store> {
  if (kind === 'memory') return (await import('../../store/memory.ts')).createMemoryStore();
  if (kind === 'lmdb') return (await import('../../store/lmdb.ts')).openLmdbStore(directory);
  const endpoints = kind.split(',');
  if (!endpoints.every((endpoint) => /^https?:\/\/./.test(endpoint))) {
    throw new UserError(`--store: '${kind}' is none of 'lmdb', 'memory' and etcd endpoints such as http://127.0.0.1:2379`, 2);
  }
  return (await import('../../store/etcd.ts')).createEtcdStore({ endpoints });
}
