/** Opens a data directory: access, lock, format, tables. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { type Database, type Key, open, type RootDatabase } from 'lmdb';
import { DataVersionError } from '../store.ts';
import { lockDirectory } from './lock.ts';
import { dataVersion, decodeNumber, encodeNumber } from './records.ts';

export type Table<K extends Key> = Database<Buffer, K>;

export interface Environment {
  root: RootDatabase<Buffer, string>;
  head: Table<string>;
  log: Table<number>;
  old: Table<[string, number]>;
  expiry: Table<[number, string]>;
  meta: Table<string>;
  directory: string;
  /** Waits for what is being written. */
  close(): Promise<void>;
}

/**
 * Opens or creates. Throws `StoreLockedError`, `DataVersionError`, or an error that names the directory when it can't be written.
 * Without `overlappingSync` a commit is on the disk before it is visible, and a write's promise resolves after that.
 */
export async function openEnvironment(directory: string): Promise<Environment> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error(`the store's directory ${directory} can't be written: ${(error as Error).message}`, { cause: error });
  }
  const unlock = lockDirectory(directory);
  try {
    const root = open<Buffer, string>({
      path: directory,
      noSubdir: false,
      encoding: 'binary',
      overlappingSync: false,
      // Its promise of a failed commit would be nobody's; batches are made in commit.ts.
      eventTurnBatching: false,
      maxDbs: 8,
      noMemInit: true,
    });
    return await openTables(root, directory, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

/** Beside the process that holds the lock: LMDB shows a reader one state while others write. Throws `DataVersionError`. */
export async function openForReading(directory: string): Promise<Environment> {
  const root = open<Buffer, string>({ path: directory, noSubdir: false, encoding: 'binary', readOnly: true, maxDbs: 8 });
  return openTables(root, directory, () => {});
}

async function openTables(root: RootDatabase<Buffer, string>, directory: string, unlock: () => void): Promise<Environment> {
  const table = <K extends Key>(name: string): Table<K> => root.openDB<Buffer, K>({ name, encoding: 'binary' });
  const meta = table<string>('meta');
  const found = meta.get('version');
  if (found && decodeNumber(found) > dataVersion) {
    await root.close();
    throw new DataVersionError(directory, decodeNumber(found), dataVersion);
  }
  if (!found) await meta.put('version', encodeNumber(dataVersion));
  return {
    root,
    head: table('head'),
    log: table('log'),
    old: table('old'),
    expiry: table('expiry'),
    meta,
    directory,
    async close() {
      await root.close();
      unlock();
    },
  };
}
