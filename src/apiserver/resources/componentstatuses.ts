/** `componentstatuses`: deprecated upstream, still answered; it knows the store alone, the others have health endpoints of their own. */
import type { ComponentStatus } from '../../api/core/v1/types.gen.ts';
import { notFound } from '../../apimachinery/errors.ts';
import { parseLabelSelector } from '../../apimachinery/selectors.ts';
import { formOf } from '../answer/form.ts';
import { bodyReply } from '../answer/reply.ts';
import { representList, representObject } from '../answer/represent.ts';
import { encodeStored } from '../cacher/bytes.ts';
import type { CacheEntry } from '../cacher/cacher.ts';
import type { Reply } from '../exchange.ts';
import type { ResourceHandler, Target } from '../verbs/target.ts';

async function statusOf({ storage }: Target): Promise<CacheEntry[]> {
  let condition = { type: 'Healthy', status: 'True', message: 'ok' };
  try {
    await storage.cacher.newestRevision();
  } catch (error) {
    condition = { type: 'Healthy', status: 'False', message: error instanceof Error ? error.message : String(error) };
  }
  const { stored } = storage.registry.find('', 'v1', 'componentstatuses')!;
  const object: ComponentStatus = { metadata: { name: 'etcd-0' }, conditions: [condition] };
  const value = encodeStored(stored, object);
  return [storage.cacher.entryOf({ key: `${stored.prefix}etcd-0`, value, createRevision: 0, modRevision: 0 })];
}

async function serve(target: Target): Promise<Reply> {
  const { context, resource } = target;
  const form = formOf(context);
  const all = await statusOf(target);
  if (context.info.name !== '') {
    const entry = all.find(({ name }) => name === context.info.name);
    if (!entry) throw notFound({ group: '', resource: 'componentstatus' }, context.info.name);
    return bodyReply(context, 200, form.media, representObject(resource, entry, form));
  }
  const selector = parseLabelSelector(context.info.labelSelector);
  const entries = selector.matches({}) ? all : [];
  return bodyReply(context, 200, form.media, representList(resource, entries, {}, form));
}

export const componentStatusHandler: ResourceHandler = { group: '', resource: 'componentstatuses', subresource: '', handle: serve };
