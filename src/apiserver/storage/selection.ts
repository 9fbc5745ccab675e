/** Label and field selectors over cache entries. */
import { badRequest } from '../../apimachinery/errors.ts';
import { own } from '../../apimachinery/own.ts';
import type { FieldSelector, LabelMatcher } from '../../apimachinery/selectors.ts';
import { parseFieldSelector, parseLabelSelector } from '../../apimachinery/selectors.ts';
import type { CacheEntry, Cacher } from '../cacher/cacher.ts';
import type { EntryIndex, StoredObject } from '../cacher/resource-cache.ts';
import type { Resource } from '../registry.ts';
import { servedObject } from './objects.ts';

export interface Selection {
  /** Everything matches. */
  empty: boolean;
  /** The one name that can match, when a field selector pins it. */
  name: string | undefined;
  namespace: string | undefined;
  /** Looks at fields that only a webhook's conversion shows: entries must be made ready (`prepareServed`) before `matches`. */
  served: boolean;
  matches(entry: CacheEntry): boolean;
}

const everythingSelected: Selection = { empty: true, name: undefined, namespace: undefined, served: false, matches: () => true };

function parsed<T>(text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}

/** Fails with 400 for text that is no selector and for a field that the kind can't be selected by. */
export function selectionOf(resource: Resource, cacher: Cacher, labelSelector: string, fieldSelector: string): Selection {
  if (labelSelector === '' && fieldSelector === '') return everythingSelected;
  const labels: LabelMatcher | undefined = labelSelector === '' ? undefined : parsed(labelSelector, parseLabelSelector);
  const fields: FieldSelector | undefined = fieldSelector === '' ? undefined : parsed(fieldSelector, parseFieldSelector);
  const selectable = resource.definition.selectableFields ?? {};
  let name: string | undefined;
  let namespace: string | undefined;
  for (const { field, operator, value } of fields?.requirements ?? []) {
    if (field === 'metadata.name') {
      if (operator === '=') name = value;
    } else if (field === 'metadata.namespace') {
      if (operator === '=') namespace = value;
    } else if (!Object.hasOwn(selectable, field)) throw badRequest(unknownField(resource, field));
  }
  const storedFields = resource.stored.definition.selectableFields ?? {};
  const served =
    resource.remote !== undefined && (fields?.requirements ?? []).some(({ field }) => Object.hasOwn(selectable, field) && !Object.hasOwn(storedFields, field));
  return {
    empty: (labels?.empty ?? true) && (fields?.empty ?? true),
    name,
    namespace,
    served,
    matches(entry) {
      if (fields) {
        for (const { field, operator, value } of fields.requirements) {
          if ((fieldOf(resource, cacher, entry, field) === value) !== (operator === '=')) return false;
        }
      }
      return labels ? labels.matches(indexOf(resource, cacher, entry).labels) : true;
    },
  };
}

function unknownField({ custom, definition }: Resource, field: string): string {
  if (custom) return `field label not supported: ${field}`;
  // Kinds with fields of their own say it in other words than those with the two that all have.
  if (definition.selectableFields === undefined) return `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
  return `field label not supported: ${field}`;
}

function fieldOf(resource: Resource, cacher: Cacher, entry: CacheEntry, field: string): string {
  if (field === 'metadata.name') return entry.name;
  if (field === 'metadata.namespace') return entry.namespace;
  const { fields } = indexOf(resource, cacher, entry);
  const known = own(fields, field);
  if (known !== undefined) return known;
  // A field that only this served version can be selected by.
  const select = own(resource.definition.selectableFields, field);
  return select?.(servedObject(resource, entry)) ?? '';
}

const noLabels: Readonly<Record<string, string>> = {};

/** What selectors look at, found out once per entry. */
export const indexOf = (resource: Resource, cacher: Cacher, entry: CacheEntry): EntryIndex =>
  entry.index ?? noteIndex(resource, entry, cacher.decoded.of(entry));

/** For whoever has decoded the entry anyway, whatever for: nobody needs to do it again for selectors. */
export function noteIndex(resource: Resource, entry: CacheEntry, object: StoredObject): EntryIndex {
  const fields: Record<string, string> = {};
  for (const [field, select] of Object.entries(resource.stored.definition.selectableFields ?? {})) fields[field] = select(object);
  entry.index = { labels: object.metadata.labels ?? noLabels, fields };
  return entry.index;
}
