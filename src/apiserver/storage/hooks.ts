import type { StoredObject } from '../cacher/resource-cache.ts';
import type { ResourceHooks } from '../contracts.ts';

export interface PendingWrite {
  commit(): void;
  rollback(): Promise<void>;
}

const nothing: PendingWrite = { commit() {}, async rollback() {} };

/** Begins every hook; when one fails, those before it are undone. */
export async function beginWrite(hooks: readonly ResourceHooks[], object: StoredObject, old: StoredObject | undefined, dryRun: boolean): Promise<PendingWrite> {
  if (hooks.length === 0) return nothing;
  const begun: { commit?(): void; rollback?(): Promise<void> | void }[] = [];
  const rollback = async (): Promise<void> => {
    for (const one of begun.reverse()) await one.rollback?.();
  };
  try {
    for (const hook of hooks) {
      const one = await hook.beginWrite?.(object, old, dryRun);
      if (one) begun.push(one);
    }
  } catch (error) {
    await rollback();
    throw error;
  }
  return {
    commit() {
      for (const one of begun) one.commit?.();
    },
    rollback,
  };
}
