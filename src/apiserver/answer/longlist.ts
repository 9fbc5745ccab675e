/**
 * Lists out of the runs of the cache. What a run is in an encoding is made once, kept with the run until one of it changes, and sent from
 * there; so a list that is asked for again and again costs its encryption alone, and its compression nothing.
 */
import { wrapping } from '../../apimachinery/codec/protobuf.ts';
import type { ListMeta } from '../../apimachinery/meta.ts';
import type { CacheEntry } from '../cacher/cacher.ts';
import type { Run } from '../cacher/sorted.ts';
import type { Resource } from '../registry.ts';
import { inSlices } from '../slices.ts';
import { framedItems, listHead } from './protolist.ts';
import { type Form, messageOf } from './represent.ts';

type Runs = readonly Run<CacheEntry>[];

/** Undefined where the cached form is not what is sent: the items have to be made one by one. */
export async function representRuns(resource: Resource, runs: Runs, metadata: ListMeta, { media, pretty }: Form): Promise<Uint8Array[] | undefined> {
  if (media.as !== '' || resource.custom) return undefined;
  if (media.encoding === 'json' && !pretty && !resource.fromStored) return jsonList(resource, runs, metadata);
  if (media.encoding === 'protobuf') return protobufList(resource, runs, metadata);
  return undefined;
}

const listTail = Buffer.from(']}');
const comma = 0x2c;

async function jsonList({ listKind: kind, apiVersion }: Resource, runs: Runs, metadata: ListMeta): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [Buffer.from(`${JSON.stringify({ kind, apiVersion, metadata }).slice(0, -1)},"items":[`)];
  await inSlices(runs, (run, index) => {
    const joined = made(run, 'json', jsonOfRun);
    // The list's first item has no comma before it; what is behind is remembered too, for its compression is.
    parts.push(index > 0 ? joined : made(run, 'json without comma', () => joined.subarray(1)));
  });
  parts.push(listTail);
  return parts;
}

async function protobufList(resource: Resource, runs: Runs, metadata: ListMeta): Promise<Uint8Array[]> {
  const items: Uint8Array[] = [];
  await inSlices(runs, (run) => void items.push(made(run, `protobuf ${resource.apiVersion}`, () => protobufOfRun(resource, run))));
  const head = listHead(metadata);
  let length = head.byteLength;
  for (const part of items) length += part.byteLength;
  const [before, after] = wrapping(resource.apiVersion, resource.listKind, length);
  return [Buffer.concat([before, head]), ...items, after];
}

function made(run: Run<CacheEntry>, what: string, make: (run: Run<CacheEntry>) => Buffer): Buffer {
  let bytes = run.made?.get(what);
  if (!bytes) {
    bytes = make(run);
    run.made?.set(what, bytes);
  }
  return bytes;
}

/** Every item with a comma before it. Entries are moved to where they are joined: they are not held twice. */
function jsonOfRun({ entries, made }: Run<CacheEntry>): Buffer {
  let size = 0;
  for (const { json } of entries) size += 1 + json.byteLength;
  const joined = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const entry of entries) {
    joined[at] = comma;
    const end = at + 1 + entry.json.copy(joined, at + 1);
    if (made) entry.json = joined.subarray(at + 1, end);
    at = end;
  }
  return joined;
}

function protobufOfRun(resource: Resource, { entries, made }: Run<CacheEntry>): Buffer {
  const messages = entries.map((entry) => messageOf(resource, entry));
  return framedItems(messages, (index, bytes) => {
    if (made) entries[index]?.protobuf?.set(resource.apiVersion, bytes);
  });
}
