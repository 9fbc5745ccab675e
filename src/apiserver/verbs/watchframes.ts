/** What a change is to a watch, and how that looks on the wire. */
import { encodeWatchFrame } from '../../apimachinery/codec/protobuf.ts';
import type { Form } from '../answer/represent.ts';
import { jsonOf, representObject } from '../answer/represent.ts';
import { withRevision } from '../cacher/bytes.ts';
import type { CacheEntry, CacheEvent } from '../cacher/cacher.ts';
import type { Resource } from '../registry.ts';
import type { Selection } from '../storage/selection.ts';

export type FrameType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

export interface Change {
  type: FrameType;
  entry: CacheEntry;
}

/** An object that comes into the selection is added, one that leaves it deleted. Undefined: the change is none to this selection. */
export function changeFor(selection: Selection, event: CacheEvent): Change | undefined {
  const { entry, previous } = event;
  const { empty } = selection;
  const after = event.type === 'put' && (empty || selection.matches(entry));
  const before = previous !== undefined && (empty || selection.matches(previous));
  if (after) return { type: before ? 'MODIFIED' : 'ADDED', entry };
  if (!before) return undefined;
  if (event.type === 'delete') return { type: 'DELETED', entry };
  const left = { ...previous, revision: event.revision, json: withRevision(previous.json, event.revision), protobuf: undefined } as CacheEntry;
  return { type: 'DELETED', entry: left };
}

const frameTail = Buffer.from('}\n');
const frameHeads = new Map<string, Buffer>();

/** One event on the wire: a line of JSON, or a length-prefixed protobuf message. */
export function frame({ media }: Form, type: FrameType, object: Uint8Array): Uint8Array {
  if (media.encoding === 'protobuf') return encodeWatchFrame(type, object);
  const head = frameHeads.get(type) ?? Buffer.from(`{"type":"${type}","object":`);
  frameHeads.set(type, head);
  const end = object[object.length - 1] === 0x0a ? object.subarray(0, -1) : object;
  return Buffer.concat([head, end, frameTail]);
}

/** Of an object, or of its metadata. Tables have state: see `watch.ts`. */
export function objectFrame(resource: Resource, form: Form, { type, entry }: Change): Uint8Array {
  const { media } = form;
  if (media.encoding === 'json' && media.as === '') return frame(form, type, jsonOf(resource, entry));
  return frame(form, type, representObject(resource, entry, { ...form, pretty: false }));
}

/** Under what the frames of a form are shared among watches. Tables differ in what rows carry, and their ages depend on when: they are not. */
export const frameKeyOf = ({ apiVersion }: Resource, { media }: Form): string =>
  media.as === 'Table' ? '' : `${apiVersion} ${media.encoding} ${media.as} ${media.asVersion}`;

/** As {@link objectFrame}, encoded once for all watches of one form. */
export function sharedFrame(resource: Resource, form: Form, frameKey: string, change: Change, event: CacheEvent): Uint8Array {
  const key = `${change.type} ${frameKey}`;
  let bytes = event.frames?.get(key);
  if (!bytes) {
    bytes = objectFrame(resource, form, change);
    event.frames ??= new Map();
    event.frames.set(key, bytes);
  }
  return bytes;
}
