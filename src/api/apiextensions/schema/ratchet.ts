/** What was wrong before and was not touched does not stand in the way of an update (KEP-4008). */
import { deepEqual } from '../../../apimachinery/equality.ts';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { own } from '../../../apimachinery/own.ts';

type Json = Record<string, unknown>;

/** `spec.parts[0].name` → `spec`, `parts`, `0`, `name`. */
const stepsOf = (field: string): string[] => [...field.matchAll(/([^.[\]]+)/g)].map(([step]) => step);

const valueAt = (object: unknown, steps: readonly string[]): unknown =>
  steps.reduce<unknown>((value, step) => (typeof value === 'object' && value !== null ? own(value as Json, step) : undefined), object);

/** Errors about values that this update changed. */
export function ratchet(errors: readonly FieldError[], object: unknown, old: unknown): FieldError[] {
  return errors.filter((error) => {
    if (error.field === '<nil>') return true;
    const steps = stepsOf(error.field);
    // A field that is missing is what its surroundings have to answer for.
    const place = error.type === 'FieldValueRequired' ? steps.slice(0, -1) : steps;
    if (place.length === 0) return true;
    const before = valueAt(old, place);
    return before === undefined || !deepEqual(before, valueAt(object, place));
  });
}
