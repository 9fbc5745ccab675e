import type { StoredObject } from '../cacher/resource-cache.ts';
import type { WriteRequest } from './types.ts';

/** Records in `metadata.managedFields` which fields this write sets. */
export function trackFields(_request: WriteRequest, _object: StoredObject, _old: StoredObject | undefined): void {}

/** A write that changes nothing but the times in managed fields changes nothing: the old times stay. */
export function keepManagedTimes(_object: StoredObject, _old: StoredObject): void {}
