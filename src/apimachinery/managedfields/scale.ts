/** Managed fields of an object as its `scale` subresource shows them, and back. */
import type { ManagedFieldsEntry } from '../meta.ts';
import { difference, has, isEmptySet, setOfPaths } from './fieldset.ts';
import { decodeManagers, encodeManagers, identityOf, type Manager, type Managers } from './managers.ts';

const scaleVersion = 'autoscaling/v1';
const replicasInScale = setOfPaths([['f:spec', 'f:replicas']]);

const pathOf = (dotted: string): string[] => dotted.split('.').map((name) => `f:${name}`);

/** Entries that own the replicas, as entries of a Scale. `replicasPath` is dotted, without a leading dot. */
export function scaleManagedFields(entries: readonly ManagedFieldsEntry[] | undefined, replicasPath: string): ManagedFieldsEntry[] | undefined {
  const path = pathOf(replicasPath);
  const shown: Managers = new Map();
  for (const [identity, one] of decodeManagers(entries) ?? []) {
    if (has(one.fields, path)) shown.set(identity, { ...one, apiVersion: scaleVersion, fields: replicasInScale });
  }
  return encodeManagers(shown);
}

/**
 * The object's entries after a write through `scale`, given what that made of the Scale's entries: whoever lost the replicas
 * there loses them here. `apiVersion` is the object's.
 */
export function withScaleManagedFields(
  entries: readonly ManagedFieldsEntry[] | undefined,
  scaleEntries: readonly ManagedFieldsEntry[] | undefined,
  replicasPath: string,
  apiVersion: string,
): ManagedFieldsEntry[] | undefined {
  const path = pathOf(replicasPath);
  const replicas = setOfPaths([path]);
  const inScale = new Map<string, Manager>();
  for (const one of decodeManagers(scaleEntries)?.values() ?? []) inScale.set(identityOf({ ...one, apiVersion }), one);
  const result: Managers = new Map();
  for (const [identity, one] of decodeManagers(entries) ?? []) {
    const here = identityOf({ ...one, apiVersion });
    if (!has(one.fields, path)) {
      result.set(identity, one);
    } else if (inScale.has(here)) {
      result.set(identity, one);
      inScale.delete(here);
    } else {
      const fields = difference(one.fields, replicas);
      if (!isEmptySet(fields)) result.set(identity, { ...one, fields });
    }
  }
  for (const [identity, one] of inScale) {
    // Upstream keeps no time of it.
    if (has(one.fields, ['f:spec', 'f:replicas'])) result.set(identity, { ...one, apiVersion, fields: replicas, time: undefined });
  }
  return encodeManagers(result);
}
