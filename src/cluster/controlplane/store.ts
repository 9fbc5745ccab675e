/** The store that `--store` names. */
import { readFileSync } from 'node:fs';
import type { Store } from '../../store/store.ts';
import { UserError } from '../config.ts';

/** PEM files for etcd endpoints with `https:`; without a CA, those of the system are trusted. */
export interface EtcdFiles {
  ca?: string;
  /** With which the server authenticates itself. */
  cert?: string;
  key?: string;
}

/** Whether several servers may work on it. */
export const isShared = (kind: string): boolean => kind !== 'memory' && kind !== 'lmdb';

/** `memory`, `lmdb` (in `directory`), or the endpoints of an etcd cluster, separated by commas. */
export async function openStore(kind: string, directory: string, files: EtcdFiles = {}): Promise<Store> {
  if (kind === 'memory') return (await import('../../store/memory.ts')).createMemoryStore();
  if (kind === 'lmdb') return (await import('../../store/lmdb.ts')).openLmdbStore(directory);
  const endpoints = kind.split(',');
  if (!endpoints.every((endpoint) => /^https?:\/\/./.test(endpoint))) {
    throw new UserError(`--store: '${kind}' is none of 'lmdb', 'memory' and etcd endpoints such as http://127.0.0.1:2379`, 2);
  }
  if (!files.cert !== !files.key) throw new UserError('--etcd-certfile and --etcd-keyfile belong together', 2);
  const tls = {
    ...(files.ca ? { ca: read('--etcd-cafile', files.ca) } : {}),
    ...(files.cert ? { cert: read('--etcd-certfile', files.cert) } : {}),
    ...(files.key ? { key: read('--etcd-keyfile', files.key) } : {}),
  };
  return (await import('../../store/etcd.ts')).createEtcdStore({ endpoints, ...tls });
}

function read(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UserError(`${option}: ${(error as Error).message}`, 2);
  }
}
