/** A write that would change nothing but times of managed fields changes nothing. */
import { deepEqual, semanticEqual } from '../equality.ts';
import type { KubeObject, ManagedFieldsEntry } from '../meta.ts';

const withoutTime = ({ time: _, ...entry }: ManagedFieldsEntry): ManagedFieldsEntry => entry;

/** Puts the old times back when all else is equal. `changed` is altered in place. */
export function keepUnchangedTimes(changed: KubeObject, old: KubeObject): void {
  const now = changed.metadata.managedFields;
  const before = old.metadata.managedFields;
  if (!now || !before || now.length === 0 || now.length !== before.length) return;
  if (now.every((entry, index) => entry.time === before[index]?.time)) return;
  if (!now.every((entry, index) => deepEqual(withoutTime(entry), withoutTime(before[index] as ManagedFieldsEntry)))) return;
  if (!semanticEqual(bare(changed), bare(old))) return;
  changed.metadata.managedFields = before;
}

function bare(object: KubeObject): unknown {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
