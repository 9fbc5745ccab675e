/** Forgetting history: versions that were replaced up to a revision go, in slices, after nobody can ask for them any more. */
import type { Environment } from './environment.ts';
import { decodeLog, decodeNumber, encodeNumber } from './records.ts';

/** Log records per commit: two or three deletions each, well under the time that a slice may take. */
const step = 400;

/** Up to where history is forgotten (reads before it fail) and cleaned away (which may lag behind after a crash). */
export function compactionState({ meta }: Environment): { compacted: number; cleaned: number } {
  const read = (key: string): number => {
    const bytes = meta.get(key);
    return bytes ? decodeNumber(bytes) : 0;
  };
  return { compacted: read('compacted'), cleaned: read('cleaned') };
}

/** Declares history before `revision` forgotten; durable when it resolves. */
export async function declareCompacted({ meta }: Environment, revision: number): Promise<void> {
  await meta.put('compacted', encodeNumber(revision));
}

/** Removes what `declareCompacted` made unreachable; goes on where an earlier run was interrupted. */
export async function cleanCompacted(environment: Environment, isClosing: () => boolean): Promise<void> {
  const { compacted, cleaned } = compactionState(environment);
  for (let from = cleaned + 1; from <= compacted && !isClosing(); from += step) {
    await cleanStep(environment, from, Math.min(from + step - 1, compacted));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function cleanStep({ root, log, old, meta }: Environment, from: number, to: number): Promise<void> {
  const records = [...log.getRange({ start: from, end: to + 1 })].map(({ key: revision, value }) => {
    const { key, type, previousRevision } = decodeLog(value);
    return { revision, key, type, previousRevision };
  });
  await root.batch(() => {
    for (const { revision, key, type, previousRevision } of records) {
      if (previousRevision > 0) {
        void log.remove(previousRevision);
        void old.remove([key, previousRevision]);
      }
      if (type === 'delete') void log.remove(revision);
    }
    void meta.put('cleaned', encodeNumber(to));
  });
}
