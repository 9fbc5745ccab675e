/** A watch on etcd that survives its connection: it goes on after the last revision that it delivered, at the next endpoint. */
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { CompactedError, type StoreEntry, type StoreEvent, type Watch, type WatchMessage } from '../store.ts';
import type { EtcdRpc, Message } from './rpc.ts';

export interface KeyValue {
  key: Buffer;
  value?: Buffer;
  create_revision?: string;
  mod_revision?: string;
}

interface WatchResponse {
  header?: { revision?: string };
  created?: boolean;
  canceled?: boolean;
  compact_revision?: string;
  cancel_reason?: string;
  events?: { type?: number; kv: KeyValue; prev_kv?: KeyValue }[];
}

/** Messages that wait for the consumer before the connection is told to pause. */
const maxQueued = 1_000;
const reconnectMs = 250;

export const toEntry = (kv: KeyValue): StoreEntry => ({
  key: kv.key.toString('utf8'),
  value: kv.value ?? Buffer.alloc(0),
  createRevision: Number(kv.create_revision ?? 0),
  modRevision: Number(kv.mod_revision ?? 0),
});

function toEvent({ type, kv, prev_kv: before }: NonNullable<WatchResponse['events']>[number]): StoreEvent {
  const entry = toEntry(kv);
  const previous = before && toEntry(before);
  return {
    type: type === 1 ? 'delete' : 'put',
    key: entry.key,
    revision: entry.modRevision,
    createRevision: type === 1 ? (previous?.createRevision ?? 0) : entry.createRevision,
    ...(type === 1 ? {} : { value: entry.value }),
    ...(previous ? { previous } : {}),
  };
}

/** `range` is key and range end as etcd has them. `onEnd` is called once. */
export function watchEtcd(rpc: EtcdRpc, range: { key: Buffer; range_end: Buffer }, fromRevision: number, onEnd: (watch: Watch) => void): Watch {
  let position = fromRevision;
  let queue: WatchMessage[] = [];
  let stream: ClientDuplexStream<Message, Message> | undefined;
  let failure: Error | undefined;
  let cancelled = false;
  let created = false;
  let progressWanted = false;
  let timer: NodeJS.Timeout | undefined;
  let wake: (() => void) | undefined;
  const rouse = (): void => {
    wake?.();
    wake = undefined;
  };

  function askProgress(): void {
    if (created) stream?.write({ progress_request: {} });
  }

  function receive(response: WatchResponse): void {
    if (response.compact_revision && response.compact_revision !== '0') {
      failure = new CompactedError(Number(response.compact_revision));
      rouse();
      return;
    }
    if (response.canceled) {
      failure = new Error(`etcd ended the watch: ${response.cancel_reason ?? 'no reason given'}`);
      rouse();
      return;
    }
    if (response.created) {
      created = true;
      if (progressWanted) askProgress();
      return;
    }
    const events = response.events ?? [];
    for (const event of events) queue.push({ type: 'event', event: toEvent(event) });
    const revision = Number(response.header?.revision ?? 0);
    if (events.length > 0) position = Number(events.at(-1)!.kv.mod_revision);
    else if (revision >= position) {
      progressWanted = false;
      position = revision;
      queue.push({ type: 'progress', revision });
    }
    if (queue.length > maxQueued) stream?.pause();
    rouse();
  }

  function connect(): void {
    if (cancelled) return;
    const mine = rpc.stream('Watch/Watch');
    stream = mine;
    created = false;
    let over = false;
    const again = (): void => {
      if (over) return;
      over = true;
      if (cancelled || failure) return;
      timer = setTimeout(connect, reconnectMs);
    };
    mine.on('data', (response: WatchResponse) => {
      if (mine === stream && !cancelled) receive(response);
    });
    mine.on('error', again);
    mine.on('end', again);
    mine.write({ create_request: { ...range, start_revision: position + 1, prev_kv: true, progress_notify: true } });
  }

  const watch: Watch = {
    async *[Symbol.asyncIterator]() {
      try {
        while (!cancelled) {
          const batch = queue;
          queue = [];
          if (stream?.isPaused()) stream.resume();
          for (const message of batch) {
            if (cancelled) return;
            yield message;
          }
          if (queue.length > 0) continue;
          if (failure) throw failure;
          if (cancelled) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        watch.cancel();
      }
    },
    requestProgress() {
      progressWanted = true;
      askProgress();
    },
    cancel() {
      if (cancelled) return;
      cancelled = true;
      clearTimeout(timer);
      stream?.cancel();
      onEnd(watch);
      rouse();
    },
  };
  connect();
  return watch;
}
