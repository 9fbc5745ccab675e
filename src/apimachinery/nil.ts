/**
 * Fields that upstream's JSON shows as `null`: what Go has as nil and yet writes (an empty list without `omitempty`, a time that is
 * not set, a pointer). Bytes that are stored or sent carry them. Objects in memory don't: there a list is `[]` and anything else
 * that is not set is absent, so that whoever reads them has one case less.
 */
import type { Field, FieldType, Struct } from './schema.ts';

type Fields = Record<string, unknown>;

interface Plan {
  /** Written as null when they are empty or absent. */
  nils: readonly { name: string; empty: 'list' | 'map' | undefined }[];
  /** Fields below which there are such. */
  within: readonly { name: string; type: FieldType }[];
}

/** Whether nil is written at all, and what it is in memory. */
function nilOf({ presence, nullable, type }: Field): Plan['nils'][number]['empty'] | false {
  if (nullable) return undefined;
  if (presence !== 'always') return false;
  if (type.type === 'array') return 'list';
  if (type.type === 'map') return 'map';
  if (type.type === 'any') return type.either ? false : undefined;
  return type.type === 'string' && (type.format === 'date-time' || type.format === 'micro-time') ? undefined : false;
}

function structIn(type: FieldType): Struct | undefined {
  if (type.type === 'object') return type.struct;
  if (type.type === 'array') return structIn(type.items);
  return type.type === 'map' ? structIn(type.values) : undefined;
}

const plans = new WeakMap<Struct, Plan | null>();

function planOf(struct: Struct): Plan | null {
  let plan = plans.get(struct);
  if (plan === undefined) {
    const fields = [...struct.fields.values()];
    const nils = fields.flatMap((field) => {
      const empty = nilOf(field);
      return empty === false ? [] : [{ name: field.name, empty }];
    });
    const within = fields.filter(({ type }) => reaches(structIn(type), new Set())).map(({ name, type }) => ({ name, type }));
    plan = nils.length + within.length === 0 ? null : { nils, within };
    plans.set(struct, plan);
  }
  return plan;
}

function reaches(struct: Struct | undefined, seen: Set<Struct>): boolean {
  if (!struct || seen.has(struct)) return false;
  seen.add(struct);
  for (const field of struct.fields.values()) if (nilOf(field) !== false || reaches(structIn(field.type), seen)) return true;
  return false;
}

/**
 * The object with `null` where upstream's JSON has it; itself when there is nothing to show, and what is alike is shared. `given`: empty
 * lists that are there stay, as in an object that never came out of a store.
 */
export function withNulls<T extends object>(struct: Struct, object: T, given: 'empty' | 'given' = 'empty'): T {
  const plan = planOf(struct);
  return plan ? (shown(plan, object as Fields, given) as T) : object;
}

function shown(plan: Plan, object: Fields, given: 'empty' | 'given'): Fields {
  let copy: Fields | undefined;
  for (let index = 0; index < plan.within.length; index++) {
    const { name, type } = plan.within[index] as Plan['within'][number];
    const value = object[name];
    if (typeof value !== 'object' || value === null) continue;
    const inner = shownValue(type, value, given);
    if (inner !== value) (copy ??= { ...object })[name] = inner;
  }
  for (let index = 0; index < plan.nils.length; index++) {
    const { name, empty } = plan.nils[index] as Plan['nils'][number];
    const value = object[name];
    if (value === undefined || (empty !== undefined && given === 'empty' && isEmpty(value))) (copy ??= { ...object })[name] = null;
  }
  return copy ?? object;
}

function shownValue(type: FieldType, value: object, given: 'empty' | 'given'): object {
  if (type.type === 'object') return withNulls(type.struct, value, given);
  let copy: Fields | unknown[] | undefined;
  if (type.type === 'array' && Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      if (typeof item !== 'object' || item === null) continue;
      const inner = shownValue(type.items, item, given);
      if (inner !== item) ((copy ??= [...value]) as unknown[])[index] = inner;
    }
  } else if (type.type === 'map') {
    for (const key of Object.keys(value)) {
      const item = (value as Fields)[key];
      if (typeof item !== 'object' || item === null) continue;
      const inner = shownValue(type.values, item, given);
      if (inner !== item) ((copy ??= { ...value }) as Fields)[key] = inner;
    }
  }
  return copy ?? value;
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value) return false;
  return true;
}

/** Takes out of an object, in place, what {@link withNulls} puts in. */
export function hideNulls(struct: Struct, object: object): void {
  const plan = planOf(struct);
  if (plan) hide(plan, object as Fields);
}

function hide(plan: Plan, object: Fields): void {
  for (let index = 0; index < plan.nils.length; index++) {
    const { name, empty } = plan.nils[index] as Plan['nils'][number];
    if (object[name] !== null) continue;
    if (empty === 'list') object[name] = [];
    else delete object[name];
  }
  for (let index = 0; index < plan.within.length; index++) {
    const { name, type } = plan.within[index] as Plan['within'][number];
    hideValue(type, object[name]);
  }
}

function hideValue(type: FieldType, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (type.type === 'object') hideNulls(type.struct, value);
  else if (type.type === 'array' && Array.isArray(value)) for (const item of value) hideValue(type.items, item);
  else if (type.type === 'map') for (const key of Object.keys(value)) hideValue(type.values, (value as Fields)[key]);
}
