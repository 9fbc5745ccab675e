/**
 * Field ownership: `metadata.managedFields` and server-side apply, on the schema table.
 *
 * `trackUpdate` is called in every create, update and patch, before admission; `applyServerSide` makes the object of an apply
 * patch; `keepUnchangedTimes` runs last, before the store. Everything is a pure function of its input but for the object that
 * it is told to change.
 */
export { type ApplyInput, applyServerSide } from './apply.ts';
export { type FieldSet, has, leaf, setOfPaths } from './fieldset.ts';
export { decodeManagers, encodeManagers, type Manager, type Managers } from './managers.ts';
export type { Convert, Versioned } from './ownership.ts';
export { scaleManagedFields, withScaleManagedFields } from './scale.ts';
export { keepUnchangedTimes } from './times.ts';
export { type FieldManagerInput, trackUpdate, type UpdateInput } from './update.ts';
