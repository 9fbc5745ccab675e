/** Objects and lists as the client asked for them: JSON, YAML or protobuf; whole, as Table rows, or their metadata alone. */
import { structOfKind } from '../../api/schema.ts';
import { encodeEnvelope, encodeProtobuf, wrapEncoded } from '../../apimachinery/codec/protobuf.ts';
import { formatSortedYaml } from '../../apimachinery/codec/yaml.ts';
import { notAcceptable } from '../../apimachinery/errors.ts';
import type { ListMeta } from '../../apimachinery/meta.ts';
import { withNulls } from '../../apimachinery/nil.ts';
import type { IncludeObject } from '../../apimachinery/table.ts';
import { tableOf } from '../../apimachinery/table.ts';
import type { CacheEntry } from '../cacher/cacher.ts';
import type { StoredObject } from '../cacher/resource-cache.ts';
import type { Run } from '../cacher/sorted.ts';
import type { MediaType } from '../negotiation/accept.ts';
import type { Resource } from '../registry.ts';
import { inSlices } from '../slices.ts';
import { servedObject } from '../storage/objects.ts';
import { columnsOf } from './columns.ts';
import { representRuns } from './longlist.ts';
import { listMessage } from './protolist.ts';

export interface Form {
  media: MediaType;
  pretty: boolean;
  /** Of a table: what each row carries. */
  include: IncludeObject;
  now: Date;
}

const comma = Buffer.from(',');
const listTail = Buffer.from(']}');

/** The object with its type first, as upstream prints it. */
export function ordered(resource: Resource, object: StoredObject): Record<string, unknown> {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = resource.custom ? object : withNulls(resource.struct, object);
  return { kind: resource.definition.kind, apiVersion: resource.apiVersion, ...rest };
}

/** Any value in the encoding that was negotiated; `apiVersion` and `kind` name its type for protobuf. */
export function encodeValue(media: MediaType, pretty: boolean, value: object): Uint8Array {
  switch (media.encoding) {
    case 'yaml':
      return Buffer.from(formatSortedYaml(value));
    case 'protobuf': {
      const { apiVersion = '', kind = '' } = value as { apiVersion?: string; kind?: string };
      const struct = structOfKind(apiVersion, kind);
      if (!struct) throw new Error(`${apiVersion} ${kind} has no protobuf form`);
      return encodeEnvelope(apiVersion, kind, struct, value);
    }
    default:
      return Buffer.from(pretty ? `${JSON.stringify(value, null, 2)}\n` : `${JSON.stringify(value)}\n`);
  }
}

/** JSON of one object in the served version, without a trailing newline. */
export function jsonOf(resource: Resource, entry: CacheEntry): Buffer {
  if (resource.fromStored) return Buffer.from(JSON.stringify(ordered(resource, servedObject(resource, entry))));
  const { head } = resource;
  const whole = Buffer.allocUnsafe(head.length + entry.json.length - 1);
  head.copy(whole, 0);
  entry.json.copy(whole, head.length, 1);
  return whole;
}

/** The protobuf message of one object, without its envelope; kept on the entry. */
export function messageOf(resource: Resource, entry: CacheEntry): Uint8Array {
  let message = entry.protobuf?.get(resource.apiVersion);
  if (!message) {
    message = encodeProtobuf(resource.struct, servedObject(resource, entry));
    entry.protobuf ??= new Map();
    entry.protobuf.set(resource.apiVersion, message);
  }
  return message;
}

const partial = (object: StoredObject, apiVersion: string): Record<string, unknown> => ({
  kind: 'PartialObjectMetadata',
  apiVersion,
  metadata: object.metadata,
});

/** One object. */
export function representObject(resource: Resource, entry: CacheEntry, form: Form): Uint8Array {
  const { media, pretty } = form;
  const as = `meta.k8s.io/${media.asVersion}`;
  if (media.as === 'Table') {
    // None on an object that was only tried (a dry run's creation).
    const { resourceVersion } = servedObject(resource, entry).metadata;
    return encodeValue(media, pretty, tableFor(resource, [entry], resourceVersion ? { resourceVersion } : {}, form));
  }
  if (media.as === 'PartialObjectMetadata') return encodeValue(media, pretty, partial(servedObject(resource, entry), as));
  if (media.as === 'PartialObjectMetadataList') {
    const type = `*${resource.definition.group.split('.')[0] || 'core'}.${resource.definition.kind}`;
    throw notAcceptable(`you requested PartialObjectMetadataList, but the requested object is not a list (${type})`);
  }
  if (media.encoding === 'protobuf') return wrapEncoded(resource.apiVersion, resource.definition.kind, messageOf(resource, entry));
  if (media.encoding === 'json' && !pretty) return jsonOf(resource, entry);
  return encodeValue(media, pretty, ordered(resource, servedObject(resource, entry)));
}

/** An object that is not stored (a review, a scale), in its own version. */
export function representValue(value: object, form: Pick<Form, 'media' | 'pretty'>): Uint8Array {
  const { apiVersion = '', kind = '' } = value as { apiVersion?: string; kind?: string };
  const struct = structOfKind(apiVersion, kind);
  return encodeValue(form.media, form.pretty, struct ? withNulls(struct, value, 'given') : value);
}

export function tableFor(resource: Resource, entries: readonly CacheEntry[], metadata: ListMeta, form: Form, withoutHeaders = false): object {
  const { kind } = resource.definition;
  const objects = entries.map((entry) => ({ ...servedObject(resource, entry), kind, apiVersion: resource.apiVersion }));
  const table = tableOf(columnsOf(resource), objects, metadata, {
    include: form.include,
    apiVersion: `meta.k8s.io/${form.media.asVersion}`,
    withoutHeaders,
    now: form.now,
  });
  if (form.include === 'Object') for (const row of table.rows) row.object = ordered(resource, row.object as StoredObject);
  return table;
}

/** A list. One buffer, or several for a long one. */
export function representList(resource: Resource, entries: readonly CacheEntry[], metadata: ListMeta, form: Form): Uint8Array | readonly Uint8Array[] {
  const { media, pretty } = form;
  if (media.as === 'Table') return encodeValue(media, pretty, tableFor(resource, entries, metadata, form));
  if (media.as !== '') {
    const apiVersion = `meta.k8s.io/${media.asVersion}`;
    const items = entries.map((entry) => partial(servedObject(resource, entry), apiVersion));
    // Upstream has no list at all where nothing was put into it.
    return encodeValue(media, pretty, { kind: 'PartialObjectMetadataList', apiVersion, metadata, items: items.length > 0 ? items : null });
  }
  if (media.encoding === 'protobuf') {
    const message = listMessage(
      metadata,
      entries.map((entry) => messageOf(resource, entry)),
    );
    return wrapEncoded(resource.apiVersion, resource.listKind, message);
  }
  const listHead = { kind: resource.listKind, apiVersion: resource.apiVersion, metadata };
  if (media.encoding !== 'json' || pretty) {
    const items = entries.map((entry) => {
      const object = ordered(resource, servedObject(resource, entry));
      if (resource.custom) return object;
      const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
      return rest;
    });
    return encodeValue(media, pretty, { ...listHead, items });
  }
  const head = Buffer.from(`${JSON.stringify(listHead).slice(0, -1)},"items":[`);
  return concatenate(head, entries, resource);
}

/** From this many items on, a list is encoded in slices. */
const manyItems = 500;

/**
 * As {@link representList}; a long list whose items must be decoded or encoded gives the event loop back in between. `runs`: the same
 * entries, as the cache has them.
 */
export async function representLongList(
  resource: Resource,
  entries: readonly CacheEntry[],
  metadata: ListMeta,
  form: Form,
  runs?: readonly Run<CacheEntry>[],
): Promise<Uint8Array | readonly Uint8Array[]> {
  const { media, pretty } = form;
  if (entries.length < manyItems) return representList(resource, entries, metadata, form);
  const parts = runs && (await representRuns(resource, runs, metadata, form));
  if (parts) return parts;
  const apiVersion = `meta.k8s.io/${media.asVersion}`;
  if (media.encoding === 'protobuf' && media.as === '') {
    await inSlices(entries, (entry) => void messageOf(resource, entry));
    return representList(resource, entries, metadata, form);
  }
  if (media.encoding === 'protobuf' && media.as.startsWith('PartialObjectMetadata')) {
    const struct = structOfKind(apiVersion, 'PartialObjectMetadata');
    if (!struct) return representList(resource, entries, metadata, form);
    const messages: Uint8Array[] = [];
    await inSlices(entries, (entry) => void messages.push(encodeProtobuf(struct, partial(servedObject(resource, entry), apiVersion))));
    return wrapEncoded(apiVersion, 'PartialObjectMetadataList', listMessage(metadata, messages));
  }
  if (media.encoding !== 'json' || pretty) return representList(resource, entries, metadata, form);
  if (media.as === 'Table') {
    const { rows: _rows, ...head } = tableFor(resource, [], metadata, form) as { rows: unknown[] };
    return joined(head, 'rows', entries, (entry) => JSON.stringify((tableFor(resource, [entry], metadata, form, true) as { rows: unknown[] }).rows[0]));
  }
  if (media.as !== '') {
    const head = { kind: 'PartialObjectMetadataList', apiVersion, metadata };
    return joined(head, 'items', entries, (entry) => JSON.stringify(partial(servedObject(resource, entry), apiVersion)));
  }
  if (!resource.fromStored && !resource.custom) return representList(resource, entries, metadata, form);
  const head = { kind: resource.listKind, apiVersion: resource.apiVersion, metadata };
  return joined(head, 'items', entries, (entry) => jsonItem(resource, entry).toString('utf8'));
}

async function joined(head: object, field: string, entries: readonly CacheEntry[], text: (entry: CacheEntry) => string): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"${field}":[`)];
  let texts: string[] = [];
  await inSlices(entries, (entry, index) => {
    texts.push(index === 0 ? text(entry) : `,${text(entry)}`);
    if (texts.length < manyItems) return;
    pieces.push(Buffer.from(texts.join('')));
    texts = [];
  });
  pieces.push(Buffer.from(`${texts.join('')}]}\n`));
  return pieces;
}

/** What is cached is not copied before it is sent. */
function concatenate(head: Buffer, entries: readonly CacheEntry[], resource: Resource): Uint8Array[] {
  const parts: Uint8Array[] = [head];
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index] as CacheEntry;
    if (index > 0) parts.push(comma);
    parts.push(resource.fromStored || resource.custom ? jsonItem(resource, entry) : entry.json);
  }
  parts.push(listTail);
  return parts;
}

/** Items of built-in lists don't repeat their type; those of custom resources do. */
function jsonItem(resource: Resource, entry: CacheEntry): Buffer {
  if (resource.custom) return jsonOf(resource, entry);
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = withNulls(resource.struct, servedObject(resource, entry));
  return Buffer.from(JSON.stringify(rest));
}
