/** `metadata.managedFields`: entries as they are stored, and by manager as they are worked with. */
import type { ManagedFieldsEntry, Time } from '../meta.ts';
import { canonicalElement } from './element.ts';
import { type FieldSet, type FieldSetBuilder, leaf, union } from './fieldset.ts';

export type Operation = 'Apply' | 'Update';

/** Who set fields, how, through which endpoint, in which version. */
export interface Manager {
  manager: string;
  operation: Operation;
  apiVersion: string;
  subresource: string;
  fields: FieldSet;
  time: Time | undefined;
}

/** Managers by {@link identityOf}. */
export type Managers = Map<string, Manager>;

/** The same applier is the same whatever version it applies in. */
export const identityOf = ({ manager, operation, apiVersion, subresource }: Omit<Manager, 'fields' | 'time'>): string =>
  `${manager}\n${operation}\n${operation === 'Apply' ? '' : apiVersion}\n${subresource}`;

/** Undefined when an entry can't be understood. */
export function decodeManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers | undefined {
  const managers: Managers = new Map();
  for (const entry of entries ?? []) {
    const { manager = '', operation, apiVersion = '', subresource = '', time } = entry;
    if ((operation !== 'Apply' && operation !== 'Update') || apiVersion === '' || entry.fieldsType !== 'FieldsV1') return undefined;
    const fields = canonicalSet(entry.fieldsV1 ?? {});
    if (fields === undefined) return undefined;
    const decoded: Manager = { manager, operation, apiVersion, subresource, fields, time };
    managers.set(identityOf(decoded), decoded);
  }
  return managers;
}

/** A stored set with its elements written as this module writes them; undefined when it is none. */
function canonicalSet(fields: unknown): FieldSet | undefined {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return undefined;
  let result: FieldSetBuilder | undefined;
  const given = fields as Record<string, unknown>;
  for (const key in given) {
    if (key === '.') continue;
    let element: string | undefined = key;
    if (!key.startsWith('f:')) {
      try {
        element = canonicalElement(key);
      } catch {
        return undefined;
      }
    }
    const node = canonicalSet(given[key]);
    if (node === undefined) return undefined;
    if (element === key && node === given[key]) continue;
    result ??= { ...(given as FieldSetBuilder) };
    delete result[key];
    if (element !== undefined) result[element] = node;
  }
  return result ?? (fields as FieldSet);
}

const seconds = (time: Time | undefined): number => (time === undefined ? 0 : Math.floor(Date.parse(time) / 1000));
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Appliers first, then by time, name, version and endpoint; undefined when nobody owns anything. */
export function encodeManagers(managers: Managers): ManagedFieldsEntry[] | undefined {
  if (managers.size === 0) return undefined;
  const sorted = [...managers.values()];
  if (sorted.length > 1) {
    sorted.sort(
      (a, b) =>
        order(a.operation, b.operation) ||
        seconds(a.time) - seconds(b.time) ||
        order(a.manager, b.manager) ||
        order(a.apiVersion, b.apiVersion) ||
        order(a.subresource, b.subresource),
    );
  }
  return sorted.map(({ manager, operation, apiVersion, subresource, fields, time }) => ({
    ...(manager === '' ? {} : { manager }),
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: fields as Record<string, unknown>,
    ...(subresource === '' ? {} : { subresource }),
  }));
}

/** No more than so many entries of operation `Update` are kept (upstream: `DefaultMaxUpdateManagers`). */
const maxUpdateManagers = 10;

/** Merges the oldest updaters of each version into one entry when there are too many. */
export function capUpdateManagers(managers: Managers): void {
  const updaters = [...managers].filter(([, { operation }]) => operation === 'Update');
  let count = updaters.length;
  if (count <= maxUpdateManagers) return;
  updaters.sort(([a, { time: aTime }], [b, { time: bTime }]) => seconds(aTime) - seconds(bTime) || order(a, b));
  const firstOfVersion = new Map<string, string>();
  for (const [identity, one] of updaters) {
    if (count <= maxUpdateManagers) return;
    const first = firstOfVersion.get(one.apiVersion);
    if (first === undefined) {
      firstOfVersion.set(one.apiVersion, identity);
      continue;
    }
    const bucket: Omit<Manager, 'fields' | 'time'> = { manager: 'ancient-changes', operation: 'Update', apiVersion: one.apiVersion, subresource: '' };
    const bucketIdentity = identityOf(bucket);
    let fields = managers.get(bucketIdentity)?.fields;
    if (fields === undefined) {
      fields = managers.get(first)?.fields ?? leaf;
      managers.delete(first);
    }
    managers.delete(identity);
    managers.set(bucketIdentity, { ...bucket, fields: union(one.fields, fields), time: one.time });
    count--;
  }
}
