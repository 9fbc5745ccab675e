/** Lists: of the present from the watch cache, of the past from the store. */
import { badRequest, expired, type StatusError } from '../../apimachinery/errors.ts';
import { CompactedError, FutureRevisionError } from '../../store/store.ts';
import type { CacheEntry } from '../cacher/cacher.ts';
import { tooLargeResourceVersion } from '../cacher/cacher.ts';
import type { Run } from '../cacher/sorted.ts';
import type { Resource } from '../registry.ts';
import { inSlices } from '../slices.ts';
import { decodeContinue, encodeContinue } from './continue.ts';
import type { ListOptions } from './options.ts';
import { parseListResourceVersion } from './options.ts';
import type { Selection } from './selection.ts';
import type { Storage } from './types.ts';

export interface Listed {
  entries: CacheEntry[];
  revision: number;
  continue: string;
  remainingItemCount: number | undefined;
  /** The same entries, where they are all that there is in a range of the present. */
  runs?: readonly Run<CacheEntry>[];
}

const inconsistentAdvice =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

export async function listEntries(storage: Storage, resource: Resource, namespace: string, options: ListOptions, selection: Selection): Promise<Listed> {
  const { cacher } = storage;
  const { cache } = resource.stored;
  const asked = parseListResourceVersion(options.resourceVersion);
  const match = options.resourceVersionMatch;
  let startKey = '';
  let revision: number | undefined;
  if (options.continue !== '') {
    const token = decodeContinue(options.continue);
    if (options.resourceVersion !== '' && options.resourceVersion !== '0') {
      throw badRequest('specifying resource version is not allowed when using continue');
    }
    startKey = token.startKey;
    if (token.revision > 0) revision = token.revision;
    await cacher.fresh();
  } else if (options.resourceVersion === '') await cacher.fresh();
  else if (match === 'Exact' || (match === '' && options.limit > 0 && asked > 0)) {
    revision = asked;
    if (asked > cacher.revision) {
      await cacher.fresh();
      if (asked > cacher.revision) throw tooLargeResourceVersion(asked, cacher.revision);
    }
  } else if (asked > 0) await cacher.reached(asked);

  const range = rangeOf(resource, namespace, selection);
  const present = (): CacheEntry[] => presentEntries(resource, namespace, selection, startKey);
  try {
    if (revision === undefined) {
      const whole = selection.empty && options.limit <= 0 && startKey === '' ? { runs: cache.sorted.runs(range) } : {};
      return { ...(await collect(resource, options, selection, cacher.revision, present())), ...whole };
    }
    // The present is as good as the past when nothing changed since; yet a revision that is forgotten is gone for everybody.
    if (revision >= cache.lastRevision && revision <= cacher.revision) {
      if (revision < cacher.revision) await cacher.store.get(cache.prefix, { revision });
      return await collect(resource, options, selection, revision, present());
    }
    return await listPast(storage, resource, options, selection, { range, revision, startKey });
  } catch (error) {
    if (error instanceof FutureRevisionError) throw tooLargeResourceVersion(revision ?? asked, cacher.revision);
    if (!(error instanceof CompactedError)) throw error;
    if (startKey === '') throw expired(`The resourceVersion for the provided list is too old.`);
    const gone = expired(inconsistentAdvice);
    throw withContinue(gone, encodeContinue({ revision: -1, startKey }));
  }
}

interface Past {
  range: string;
  revision: number;
  startKey: string;
}

/** From the store. Without a selector, no more is read than is asked for. */
async function listPast(
  { cacher }: Storage,
  resource: Resource,
  options: ListOptions,
  selection: Selection,
  { range, revision, startKey }: Past,
): Promise<Listed> {
  const { prefix } = resource.stored;
  const limit = selection.empty && options.limit > 0 ? { limit: options.limit } : {};
  const { entries: stored, count } = await cacher.store.list(range, { revision, ...limit, ...(startKey === '' ? {} : { startKey: prefix + startKey }) });
  const entries = stored.map((entry) => cacher.entryOf(entry));
  const last = entries[entries.length - 1];
  if (!selection.empty || !last || count <= entries.length) return collect(resource, options, selection, revision, entries);
  return {
    entries,
    revision,
    continue: encodeContinue({ revision, startKey: `${last.key.slice(prefix.length)}\0` }),
    remainingItemCount: count - entries.length,
  };
}

function withContinue(error: StatusError, token: string): StatusError {
  error.status.metadata = { continue: token };
  return error;
}

/** Of what the cache holds, what can match at all, in order: one object where the selection pins its name. `startKey`: within the resource. */
export function presentEntries(resource: Resource, namespace: string, selection: Selection, startKey = ''): CacheEntry[] {
  const { cache } = resource.stored;
  const range = rangeOf(resource, namespace, selection);
  const from = cache.prefix + startKey;
  if (selection.name === undefined || (resource.definition.namespaced && range === cache.prefix)) return cache.sorted.list(range, from);
  const entry = cache.entries.get(range + selection.name);
  return entry && entry.key >= from ? [entry] : [];
}

/** The part of the key space that can match at all. */
function rangeOf({ definition, stored }: Resource, namespace: string, selection: Selection): string {
  if (!definition.namespaced) return stored.prefix;
  const within = namespace !== '' ? namespace : selection.namespace;
  return within === undefined || within === '' ? stored.prefix : `${stored.prefix}${within}/`;
}

async function collect(resource: Resource, options: ListOptions, selection: Selection, revision: number, candidates: readonly CacheEntry[]): Promise<Listed> {
  const { limit } = options;
  const { empty } = selection;
  if (empty && limit <= 0) return { entries: candidates as CacheEntry[], revision, continue: '', remainingItemCount: undefined };
  if (selection.served) await resource.remote?.prepare(candidates);
  const entries: CacheEntry[] = [];
  let rest = 0;
  await inSlices(candidates, (entry, index) => {
    if (!empty && !selection.matches(entry)) return true;
    entries.push(entry);
    if (limit <= 0 || entries.length < limit) return true;
    rest = candidates.length - index - 1;
    return false;
  });
  const last = entries[entries.length - 1];
  if (!last || rest === 0) return { entries, revision, continue: '', remainingItemCount: undefined };
  const token = encodeContinue({ revision, startKey: `${last.key.slice(resource.stored.prefix.length)}\0` });
  // How many of the rest match is not known.
  return { entries, revision, continue: token, remainingItemCount: empty ? rest : undefined };
}
