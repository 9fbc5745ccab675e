/** GET of one object, and of a collection. */
import { notFound } from '../../apimachinery/errors.ts';
import type { ListMeta } from '../../apimachinery/meta.ts';
import { formOf } from '../answer/form.ts';
import { bodyReply } from '../answer/reply.ts';
import { representLongList, representObject } from '../answer/represent.ts';
import type { CacheEntry } from '../cacher/cacher.ts';
import type { Reply } from '../exchange.ts';
import { allEncodings, textEncodings } from '../negotiation/accept.ts';
import { listEntries } from '../storage/list.ts';
import { prepareServed } from '../storage/objects.ts';
import { parseListOptions, parseResourceVersion } from '../storage/options.ts';
import { selectionOf } from '../storage/selection.ts';
import { keyFor } from '../storage/types.ts';
import type { Target } from './target.ts';

export const encodingsOf = (resource: Target['resource']) => (resource.custom ? textEncodings : allEncodings);

/** The entry that the request names, as new as its resourceVersion asks. Fails with 404. */
export async function entryFor({ context, resource, storage }: Target): Promise<CacheEntry> {
  const { info } = context;
  const asked = info.query.size > 0 ? (info.query.get('resourceVersion') ?? '') : '';
  if (asked === '') await storage.cacher.fresh();
  else if (asked !== '0') await storage.cacher.reached(parseResourceVersion(asked));
  const entry = resource.stored.cache.entries.get(keyFor(resource, info.namespace, info.name));
  if (!entry) throw notFound(resource.groupResource, info.name);
  await prepareServed(resource, entry);
  return entry;
}

export async function getObject(target: Target): Promise<Reply> {
  const form = formOf(target.context, encodingsOf(target.resource));
  const entry = await entryFor(target);
  return bodyReply(target.context, 200, form.media, representObject(target.resource, entry, form));
}

export async function listObjects(target: Target): Promise<Reply> {
  const { context, resource, storage } = target;
  const form = formOf(context, encodingsOf(resource), true, false, 'collection');
  const options = parseListOptions(context.info.query, false);
  const selection = selectionOf(resource, storage.cacher, options.labelSelector, options.fieldSelector);
  const namespace = resource.definition.namespaced ? context.info.namespace : '';
  const listed = await listEntries(storage, resource, namespace, options, selection);
  await resource.remote?.prepare(listed.entries);
  const metadata: ListMeta = { resourceVersion: String(listed.revision) };
  // Upstream's lists of custom resources always have the field.
  if (listed.continue !== '' || (resource.custom && !form.media.as)) metadata.continue = listed.continue;
  if (listed.remainingItemCount !== undefined) metadata.remainingItemCount = listed.remainingItemCount;
  return bodyReply(context, 200, form.media, await representLongList(resource, listed.entries, metadata, form, listed.runs));
}
