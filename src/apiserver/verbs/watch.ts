/** Watches: initial state, then every change that concerns the selection, as frames that watchers share. */

import { encodeWatchFrame } from '../../apimachinery/codec/protobuf.ts';
import { StatusError } from '../../apimachinery/errors.ts';
import { formOf } from '../answer/form.ts';
import type { Form } from '../answer/represent.ts';
import { encodeValue, jsonOf, representObject, tableFor } from '../answer/represent.ts';
import { withRevision } from '../cacher/bytes.ts';
import type { CacheEntry, CacheEvent } from '../cacher/cacher.ts';
import type { CacheWatcher } from '../cacher/resource-cache.ts';
import type { Reply, Sink } from '../exchange.ts';
import { contentTypes } from '../negotiation/accept.ts';
import { defaultMinRequestSeconds } from '../serving.ts';
import { inSlices } from '../slices.ts';
import { presentEntries } from '../storage/list.ts';
import { prepareServed } from '../storage/objects.ts';
import type { ListOptions } from '../storage/options.ts';
import { parseListOptions, parseResourceVersion } from '../storage/options.ts';
import type { Selection } from '../storage/selection.ts';
import { selectionOf } from '../storage/selection.ts';
import { encodingsOf } from './read.ts';
import type { Target } from './target.ts';

/** Bookmarks come about this often, in milliseconds. */
const bookmarkMs = 60_000;

/** So many objects of the state are sent before the client must have taken most of them. */
const statePart = 256;

/** A watcher that has not taken this many bytes is cut off. */
const maxPendingBytes = 16 * 1024 * 1024;

export const initialEventsEnd = 'k8s.io/initial-events-end';

type FrameType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

export async function watchObjects(target: Target): Promise<Reply> {
  const { context, resource, storage } = target;
  const { info } = context;
  const form = formOf(
    context,
    encodingsOf(resource).filter((encoding) => encoding !== 'yaml'),
    true,
    true,
  );
  const options = parseListOptions(info.query, true);
  if (info.name !== '' && options.fieldSelector === '') options.fieldSelector = `metadata.name=${info.name}`;
  const selection = selectionOf(resource, storage.cacher, options.labelSelector, options.fieldSelector);
  const start = await startOf(target, options);
  const watch = new ResourceWatch(target, form, options, selection, start);
  const stream = form.media.encoding === 'protobuf' ? `${contentTypes.protobuf};stream=watch` : contentTypes[form.media.encoding];
  return {
    status: 200,
    headers: { 'cache-control': 'no-cache, private', 'content-type': stream },
    stream: (sink) => watch.run(sink),
  };
}

interface Start {
  /** The state as of now comes first, as ADDED events. */
  initial: boolean;
  /** Otherwise: what happened after this revision. */
  revision: number;
}

async function startOf({ storage }: Target, options: ListOptions): Promise<Start> {
  const { cacher } = storage;
  const asked = parseResourceVersion(options.resourceVersion);
  if (options.sendInitialEvents === true || (options.sendInitialEvents === undefined && asked === 0)) {
    if (options.resourceVersion === '') await cacher.fresh();
    else if (asked > 0) await cacher.reached(asked);
    return { initial: true, revision: cacher.revision };
  }
  if (asked === 0) {
    await cacher.fresh();
    return { initial: false, revision: cacher.revision };
  }
  // A revision of the future is waited for by the watch itself, and one that is forgotten ends it with an error event.
  return { initial: false, revision: asked };
}

class ResourceWatch implements CacheWatcher {
  #turn: Promise<void> = Promise.resolve();
  readonly #target: Target;
  readonly #form: Form;
  readonly #options: ListOptions;
  readonly #selection: Selection;
  readonly #start: Start;
  readonly #prefix: string;
  readonly #frameKey: string;
  #sink!: Sink;
  #revision: number;
  /** What happened up to this revision is in the state that was sent, or known to the client. */
  #from: number;
  #timers: NodeJS.Timeout[] = [];
  #ended = false;
  #sentHeaders = false;
  /** Events that came while the state is being sent. */
  #meanwhile: CacheEvent[] | undefined;
  #meanwhileBytes = 0;
  #endsAfterState = false;
  #wake: (() => void) | undefined;

  constructor(target: Target, form: Form, options: ListOptions, selection: Selection, start: Start) {
    this.#target = target;
    this.#form = form;
    this.#options = options;
    this.#selection = selection;
    this.#start = start;
    this.#revision = start.revision;
    this.#from = start.revision;
    const { resource, context } = target;
    const namespace = resource.definition.namespaced ? context.info.namespace || selection.namespace || '' : '';
    this.#prefix = namespace === '' ? '' : namespace;
    const { media } = form;
    // Tables differ in what rows carry, and their ages depend on when: they are not shared.
    this.#frameKey = media.as === 'Table' ? '' : `${resource.apiVersion} ${media.encoding} ${media.as} ${media.asVersion}`;
  }

  /** Starts in the same turn in which the answer's head was written: no event falls between state and subscription. */
  run(sink: Sink): void {
    this.#sink = sink;
    const { cache } = this.#target.resource.stored;
    try {
      if (this.#start.initial) void this.#sendState();
      else for (const event of cache.since(this.#start.revision)) this.event(event);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (sink.closed) {
      this.#stop();
      return;
    }
    cache.watchers.add(this);
    sink.onClose(() => this.#stop());
    if (!this.#start.initial) this.#target.context.watch?.begun();
    const seconds = this.#options.timeoutSeconds ?? (this.#target.context.watch?.minSeconds ?? defaultMinRequestSeconds) * (1 + Math.random());
    this.#timers.push(setTimeout(() => this.ended(), Math.min(seconds, 2_000_000) * 1000));
    if (this.#options.allowWatchBookmarks) this.#timers.push(setInterval(() => this.#bookmark(), bookmarkMs * (0.9 + Math.random() * 0.2)));
    for (const timer of this.#timers) timer.unref();
  }

  /** The state as of now, in slices; what happens meanwhile comes after it. */
  async #sendState(): Promise<void> {
    const { resource, storage } = this.#target;
    const entries = presentEntries(resource, this.#prefix, this.#selection);
    this.#revision = storage.cacher.revision;
    this.#from = this.#revision;
    this.#meanwhile = [];
    try {
      let next = 0;
      while (next < entries.length && !this.#ended) {
        const part = entries.slice(next, next + statePart);
        next += part.length;
        if (this.#selection.served) await prepareServed(resource, ...part);
        await inSlices(part, (entry) => {
          if (this.#selection.empty || this.#selection.matches(entry)) this.#send('ADDED', entry, undefined);
          return !this.#ended;
        });
        if (this.#sink.pendingBytes() > maxPendingBytes / 4) await this.#taken();
      }
      if (this.#options.sendInitialEvents === true) this.#bookmark({ [initialEventsEnd]: 'true' });
      const missed = this.#meanwhile;
      this.#meanwhile = undefined;
      for (const event of missed) this.event(event);
      this.#target.context.watch?.begun();
      if (this.#endsAfterState) this.ended();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Resolves when the client has taken most of what was sent, or is gone. */
  #taken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#sink.onDrain(resolve);
    });
  }

  event(event: CacheEvent): void {
    if (this.#meanwhile) {
      this.#meanwhile.push(event);
      this.#meanwhileBytes += event.entry.json.byteLength;
      if (this.#meanwhileBytes > maxPendingBytes) this.#cutOff();
      return;
    }
    const { entry, previous } = event;
    if (this.#prefix !== '' && entry.namespace !== this.#prefix) return;
    // Several changes may share a revision (etcd forgets the keys of a lease in one).
    if (event.revision <= this.#from) return;
    this.#revision = event.revision;
    if (!this.#selection.served) {
      this.#decide(event);
      return;
    }
    const converted = prepareServed(this.#target.resource, entry, ...(previous ? [previous] : []));
    this.#turn = this.#turn
      .then(() => converted)
      .then(
        () => this.#decide(event),
        (error: unknown) => this.#fail(error),
      );
  }

  /** What the change is to this watch: an object that comes into the selection is added, one that leaves it deleted. */
  #decide(event: CacheEvent): void {
    const { entry, previous } = event;
    const { empty } = this.#selection;
    const after = event.type === 'put' && (empty || this.#selection.matches(entry));
    const before = previous !== undefined && (empty || this.#selection.matches(previous));
    if (after) this.#send(before ? 'MODIFIED' : 'ADDED', entry, event);
    else if (before) {
      if (event.type === 'delete') this.#send('DELETED', entry, event);
      else
        this.#send(
          'DELETED',
          { ...previous, revision: event.revision, json: withRevision(previous.json, event.revision), protobuf: undefined } as CacheEntry,
          event,
        );
    }
  }

  progress(revision: number): void {
    this.#revision = revision;
  }

  /** The watch is over; a client with bookmarks learns where to go on. */
  ended(): void {
    if (this.#ended) return;
    // What was promised first is sent first.
    if (this.#meanwhile) {
      this.#endsAfterState = true;
      return;
    }
    if (this.#options.allowWatchBookmarks) this.#bookmark();
    this.#stop();
    this.#sink.end();
  }

  #stop(): void {
    this.#ended = true;
    this.#target.context.watch?.ended();
    this.#wake?.();
    this.#target.resource.stored.cache.watchers.delete(this);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }

  #fail(error: unknown): void {
    const { context } = this.#target;
    const status = error instanceof StatusError ? error.status : undefined;
    if (status) this.#sink.write(frame(this.#form, 'ERROR', encodeValue(this.#form.media, false, status)));
    else this.#target.storage.log?.error({ err: error, path: context.info.path }, 'watch failed');
    this.#stop();
    this.#sink.end();
  }

  #send(type: FrameType, entry: CacheEntry, event: CacheEvent | undefined): void {
    const { remote } = this.#target.resource;
    if (!remote) {
      this.#write(type, entry, event);
      return;
    }
    // What a webhook converts goes out in its turn, when it has been converted.
    const converted = remote.prepare([entry]);
    this.#turn = this.#turn
      .then(() => converted)
      .then(
        () => this.#write(type, entry, undefined),
        (error: unknown) => this.#fail(error),
      );
  }

  #write(type: FrameType, entry: CacheEntry, event: CacheEvent | undefined): void {
    if (this.#ended) return;
    let bytes: Uint8Array | undefined;
    if (event && this.#frameKey !== '') {
      const key = `${type} ${this.#frameKey}`;
      bytes = event.frames?.get(key);
      if (!bytes) {
        bytes = this.#frame(type, entry);
        event.frames ??= new Map();
        event.frames.set(key, bytes);
      }
    } else bytes = this.#frame(type, entry);
    this.#sink.write(bytes);
    if (event && this.#sink.pendingBytes() > maxPendingBytes) this.#cutOff();
  }

  #cutOff(): void {
    this.#target.storage.log?.info({ path: this.#target.context.info.path }, 'a watcher does not keep up and is cut off');
    this.#stop();
    this.#meanwhile = [];
    this.#sink.destroy();
  }

  #frame(type: FrameType, entry: CacheEntry): Uint8Array {
    const { resource } = this.#target;
    const form = { ...this.#form, pretty: false, now: new Date() };
    const { media } = form;
    if (media.as === 'Table') {
      const table = tableFor(resource, [entry], { resourceVersion: String(entry.revision) }, form, this.#sentHeaders);
      this.#sentHeaders = true;
      return frame(form, type, encodeValue(media, false, table));
    }
    if (media.encoding === 'json' && media.as === '') return frame(form, type, jsonOf(resource, entry));
    return frame(form, type, representObject(resource, entry, form));
  }

  #bookmark(annotations?: Record<string, string>): void {
    const { resource, storage } = this.#target;
    // While the state is still being sent, nothing after it has been seen.
    const revision = this.#meanwhile ? this.#revision : Math.max(this.#revision, storage.cacher.revision);
    if (resource.remote) this.#turn = this.#turn.then(() => this.#writeBookmark(revision, annotations));
    else this.#writeBookmark(revision, annotations);
  }

  #writeBookmark(revision: number, annotations: Record<string, string> | undefined): void {
    if (this.#ended) return;
    const { resource } = this.#target;
    const { media } = this.#form;
    const metadata = { resourceVersion: String(revision), ...(annotations ? { annotations } : {}) };
    let body: Uint8Array;
    if (media.as === 'Table') {
      const rows = annotations ? [{ cells: [], object: { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${media.asVersion}`, metadata } }] : [];
      body = encodeValue(media, false, {
        kind: 'Table',
        apiVersion: `meta.k8s.io/${media.asVersion}`,
        metadata: { resourceVersion: String(revision) },
        columnDefinitions: null,
        rows,
      });
    } else if (media.as !== '') body = encodeValue(media, false, { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${media.asVersion}`, metadata });
    else body = encodeValue(media, false, { kind: resource.definition.kind, apiVersion: resource.apiVersion, metadata });
    this.#sink.write(frame(this.#form, 'BOOKMARK', body));
  }
}

const frameTail = Buffer.from('}\n');
const frameHeads = new Map<string, Buffer>();

/** One event on the wire: a line of JSON, or a length-prefixed protobuf message. */
function frame({ media }: Form, type: FrameType, object: Uint8Array): Uint8Array {
  if (media.encoding === 'protobuf') return encodeWatchFrame(type, object);
  const head = frameHeads.get(type) ?? Buffer.from(`{"type":"${type}","object":`);
  frameHeads.set(type, head);
  const end = object[object.length - 1] === 0x0a ? object.subarray(0, -1) : object;
  return Buffer.concat([head, end, frameTail]);
}
