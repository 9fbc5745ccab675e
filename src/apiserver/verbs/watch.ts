/** Watches: initial state, then every change that concerns the selection, as frames that watchers share. */
import { StatusError } from '../../apimachinery/errors.ts';
import { formOf } from '../answer/form.ts';
import type { Form } from '../answer/represent.ts';
import { encodeValue, tableFor } from '../answer/represent.ts';
import type { CacheEvent } from '../cacher/cacher.ts';
import type { CacheWatcher, EventListener } from '../cacher/resource-cache.ts';
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
import type { Change } from './watchframes.ts';
import { changeFor, frame, frameKeyOf, objectFrame, sharedFrame } from './watchframes.ts';
import type { GroupMember } from './watchgroup.ts';
import { WatchGroup } from './watchgroup.ts';

/** Bookmarks come about this often, in milliseconds. */
const bookmarkMs = 60_000;

/** So many objects of the state are sent before the client must have taken most of them. */
const statePart = 256;

/** A watcher that has not taken this many bytes is cut off. */
const maxPendingBytes = 16 * 1024 * 1024;

export const initialEventsEnd = 'k8s.io/initial-events-end';

export async function watchObjects(target: Target): Promise<Reply> {
  const { context, resource, storage } = target;
  const { info } = context;
  const form = formOf(
    context,
    encodingsOf(resource).filter((encoding) => encoding !== 'yaml'),
    true,
    true,
    'collection',
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

class ResourceWatch implements CacheWatcher, EventListener, GroupMember {
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
  /** Once it shows no more than others do. */
  #group: WatchGroup | undefined;
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
    this.#frameKey = frameKeyOf(resource, form);
  }

  /** Starts in the same turn in which the answer's head was written: no event falls between state and subscription. */
  run(sink: Sink): void {
    this.#sink = sink;
    const { cache } = this.#target.resource.stored;
    cache.watchers.add(this);
    cache.hearers.add(this);
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
    sink.onClose(() => this.#stop());
    if (!this.#start.initial) {
      this.#join();
      this.#target.context.watch?.begun();
    }
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
          if (this.#selection.empty || this.#selection.matches(entry)) this.#send({ type: 'ADDED', entry }, undefined);
          return !this.#ended;
        });
        if (this.#sink.pendingBytes() > maxPendingBytes / 4) await this.#taken();
      }
      if (this.#options.sendInitialEvents === true) this.#bookmark({ [initialEventsEnd]: 'true' });
      const missed = this.#meanwhile;
      this.#meanwhile = undefined;
      for (const event of missed) this.event(event);
      this.#join();
      this.#target.context.watch?.begun();
      if (this.#endsAfterState) this.ended();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Where others show the same, or may come to: what happens from now on is told to all of them at once. */
  #join(): void {
    const { resource, storage } = this.#target;
    const { labelSelector, fieldSelector } = this.#options;
    const alone = this.#frameKey === '' || this.#selection.served || resource.remote || this.#sink.alone || this.#from > storage.cacher.revision;
    if (this.#ended || alone) return;
    resource.stored.cache.hearers.delete(this);
    const shown = { form: this.#form, selection: this.#selection, selectors: `${labelSelector} ${fieldSelector}`, namespace: this.#prefix };
    this.#group = WatchGroup.join(resource, shown, this);
  }

  take(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#sink.write(bytes);
    if (this.#sink.pendingBytes() > maxPendingBytes) this.#cutOff();
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

  #decide(event: CacheEvent): void {
    const change = changeFor(this.#selection, event);
    if (change) this.#send(change, event);
  }

  /** The watch is over; a client with bookmarks learns where to go on. */
  ended(): void {
    if (this.#ended) return;
    // What was promised first is sent first.
    if (this.#meanwhile) {
      this.#endsAfterState = true;
      return;
    }
    this.#group?.flush();
    if (this.#options.allowWatchBookmarks) this.#bookmark();
    this.#stop();
    this.#sink.end();
  }

  #stop(): void {
    this.#ended = true;
    this.#target.context.watch?.ended();
    this.#wake?.();
    const { cache } = this.#target.resource.stored;
    cache.watchers.delete(this);
    cache.hearers.delete(this);
    this.#group?.leave(this);
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

  #send(change: Change, event: CacheEvent | undefined): void {
    const { remote } = this.#target.resource;
    if (!remote) {
      this.#write(change, event);
      return;
    }
    // What a webhook converts goes out in its turn, when it has been converted.
    const converted = remote.prepare([change.entry]);
    this.#turn = this.#turn
      .then(() => converted)
      .then(
        () => this.#write(change, undefined),
        (error: unknown) => this.#fail(error),
      );
  }

  #write(change: Change, event: CacheEvent | undefined): void {
    if (this.#ended) return;
    const { resource } = this.#target;
    if (this.#frameKey === '') this.#sink.write(this.#tableFrame(change));
    else this.#sink.write(event ? sharedFrame(resource, this.#form, this.#frameKey, change, event) : objectFrame(resource, this.#form, change));
    if (event && this.#sink.pendingBytes() > maxPendingBytes) this.#cutOff();
  }

  #cutOff(): void {
    this.#target.storage.log?.info({ path: this.#target.context.info.path }, 'a watcher does not keep up and is cut off');
    this.#stop();
    this.#meanwhile = [];
    this.#sink.destroy();
  }

  #tableFrame({ type, entry }: Change): Uint8Array {
    const form = { ...this.#form, pretty: false, now: new Date() };
    const table = tableFor(this.#target.resource, [entry], { resourceVersion: String(entry.revision) }, form, this.#sentHeaders);
    this.#sentHeaders = true;
    return frame(form, type, encodeValue(form.media, false, table));
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
    this.#group?.flush();
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
