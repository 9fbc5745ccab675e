/** What was wrong before and was not touched does not stand in the way of an update (KEP-4008). */
import { deepEqual } from '../../../apimachinery/equality.ts';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { own } from '../../../apimachinery/own.ts';
import type { JSONSchemaProps } from '../v1/types.gen.ts';
import { isSchema, itemsOf } from './struct.ts';

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `spec.parts[0].name` → `spec`, `parts`, `0`, `name`. */
const stepsOf = (field: string): string[] => [...field.matchAll(/\[([^\]]*)\]|([^.[\]]+)/g)].map(([, inner, name]) => inner ?? name ?? '');

/** Whether a list tells which of its items are the same as before. */
const hasKeys = (schema: JSONSchemaProps | undefined): boolean => schema?.['x-kubernetes-list-type'] === 'map';

/** The item that stood for the same thing: only lists with keys can tell. */
export function counterpart(item: unknown, old: unknown, schema: JSONSchemaProps | undefined): unknown {
  const keys = schema?.['x-kubernetes-list-map-keys'];
  if (!hasKeys(schema) || !keys || !Array.isArray(old) || !isObject(item)) return undefined;
  return old.find((other) => isObject(other) && keys.every((key) => other[key] === item[key]));
}

/** Whether a value is what it was; an item of a list without keys is as long as the whole list is. */
function isUntouched(object: unknown, old: unknown, root: JSONSchemaProps, steps: readonly string[]): boolean {
  let [now, was]: unknown[] = [object, old];
  let schema: JSONSchemaProps | undefined = root;
  for (const step of steps) {
    if (Array.isArray(now)) {
      if (!hasKeys(schema)) break;
      now = now[Number(step)];
      was = counterpart(now, was, schema);
      schema = schema && itemsOf(schema);
    } else {
      now = isObject(now) ? own(now, step) : undefined;
      was = isObject(was) ? own(was, step) : undefined;
      const others: unknown = schema?.additionalProperties;
      schema = own(schema?.properties, step) ?? (isSchema(others) ? others : undefined);
    }
    if (was === undefined) return false;
  }
  return deepEqual(was, now);
}

/** Errors about values that this update changed. */
export function ratchet(errors: readonly FieldError[], object: unknown, old: unknown, schema: JSONSchemaProps): FieldError[] {
  return errors.filter((error) => {
    if (error.field === '<nil>') return true;
    const steps = stepsOf(error.field);
    // A field that is missing is what its surroundings have to answer for.
    const place = error.type === 'FieldValueRequired' ? steps.slice(0, -1) : steps;
    return place.length === 0 || !isUntouched(object, old, schema, place);
  });
}
