/**
 * One process per data directory. Node has no `flock`, but its SQLite takes a lock of the kernel's on a file, which goes away
 * with the process however it ends, and is seen across containers and pid namespaces.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreLockedError } from '../store.ts';

/** Gives what releases the lock. Throws `StoreLockedError` when another holds it. */
export function lockDirectory(directory: string): () => void {
  const database = new DatabaseSync(join(directory, 'lock'));
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Error && /locked/.test(error.message)) throw new StoreLockedError(directory, { cause: error });
    throw error;
  }
  return () => database.close();
}
