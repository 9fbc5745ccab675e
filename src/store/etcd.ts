/** The store on an etcd v3 cluster, for control planes of several machines. Keys and values stand there as they are. */
import { type ServiceError, status } from '@grpc/grpc-js';
import { createLeases } from './etcd/leases.ts';
import { createEtcdRpc, type EtcdOptions, type Message } from './etcd/rpc.ts';
import { type KeyValue, toEntry, watchEtcd } from './etcd/watch.ts';
import {
  CompactedError,
  FutureRevisionError,
  KeyExistsError,
  RevisionMismatchError,
  type SnapshotEntry,
  type Store,
  StoreClosedError,
  type StoreEntry,
  StoreFullError,
  type Watch,
} from './store.ts';

export type { EtcdOptions } from './etcd/rpc.ts';

interface RangeResponse {
  header: { revision: string };
  kvs?: (KeyValue & { lease?: string })[];
  more?: boolean;
  count?: string;
}

interface TxnResponse {
  header: { revision: string };
  succeeded?: boolean;
  responses?: { response_range?: RangeResponse }[];
}

/** Entries per Range: bounds the size of one answer. */
const pageSize = 2_000;
const zero = Buffer.from([0]);

/** etcd's range for a prefix: up to the prefix with its last byte one higher. */
function prefixRange(prefix: string): { key: Buffer; range_end: Buffer } {
  if (prefix === '') return { key: zero, range_end: zero };
  const end = Buffer.from(prefix, 'utf8');
  // UTF-8 has no byte 0xff, so the last one can always be raised.
  end[end.length - 1]! += 1;
  return { key: Buffer.from(prefix, 'utf8'), range_end: end };
}

/** Other programs may share the cluster, and other API servers may compact it. */
export function createEtcdStore(options: EtcdOptions): Store {
  const rpc = createEtcdRpc(options);
  const leaseFor = createLeases(rpc);
  const watches = new Set<Watch>();
  let closed = false;

  async function call<R>(method: string, request: Message, repeatable: boolean): Promise<R> {
    if (closed) throw new StoreClosedError();
    try {
      return await rpc.call<R>(method, request, repeatable);
    } catch (error) {
      throw translate(error, request, options.endpoints);
    }
  }
  const range = (request: Message): Promise<RangeResponse> => call<RangeResponse>('KV/Range', request, true);

  async function write(key: string, expectedRevision: number, operation: Message): Promise<{ revision: number } | { current: StoreEntry | undefined }> {
    const bytes = Buffer.from(key, 'utf8');
    const response = await call<TxnResponse>(
      'KV/Txn',
      {
        compare: [{ key: bytes, target: 'MOD', result: 'EQUAL', mod_revision: expectedRevision }],
        success: [operation],
        failure: [{ request_range: { key: bytes } }],
      },
      false,
    );
    if (response.succeeded) return { revision: Number(response.header.revision) };
    const kv = response.responses?.[0]?.response_range?.kvs?.[0];
    return { current: kv && toEntry(kv) };
  }

  const putOf = async (key: string, value: Uint8Array, ttlSeconds: number | undefined): Promise<Message> => ({
    request_put: { key: Buffer.from(key, 'utf8'), value, ...(ttlSeconds === undefined ? {} : { lease: await leaseFor(ttlSeconds) }) },
  });

  /** Page after page at one revision. */
  async function* pages(prefix: string, startKey: string, revision: number | undefined, limit: number): AsyncGenerator<RangeResponse> {
    const { key, range_end } = prefixRange(prefix);
    let from = startKey > prefix ? Buffer.from(startKey, 'utf8') : key;
    let at = revision;
    for (let left = limit; left > 0; ) {
      const page = await range({ key: from, range_end, limit: Math.min(left, pageSize), ...(at === undefined ? {} : { revision: at }) });
      at ??= Number(page.header.revision);
      yield page;
      const last = page.kvs?.at(-1);
      if (!page.more || !last) return;
      left -= page.kvs!.length;
      from = Buffer.concat([last.key, zero]);
    }
  }

  return {
    async get(key, { revision } = {}) {
      const { header, kvs } = await range({ key: Buffer.from(key, 'utf8'), ...(revision === undefined ? {} : { revision }) });
      return { ...(kvs?.[0] ? { entry: toEntry(kvs[0]) } : {}), revision: Number(header.revision) };
    },
    async list(prefix, { revision, limit = Number.POSITIVE_INFINITY, startKey = '' } = {}) {
      const entries: StoreEntry[] = [];
      let at = revision;
      let count: number | undefined;
      for await (const page of pages(prefix, startKey, revision, limit)) {
        at ??= Number(page.header.revision);
        count ??= Number(page.count ?? 0);
        for (const kv of page.kvs ?? []) entries.push(toEntry(kv));
      }
      return { entries, revision: at!, count: count! };
    },
    async count(prefix) {
      return Number((await range({ ...prefixRange(prefix), count_only: true })).count ?? 0);
    },
    async create(key, value, { ttlSeconds } = {}) {
      const result = await write(key, 0, await putOf(key, value, ttlSeconds));
      if ('revision' in result) return result.revision;
      throw new KeyExistsError(key);
    },
    async update(key, value, expectedRevision, { ttlSeconds } = {}) {
      const result = await write(key, expectedRevision, await putOf(key, value, ttlSeconds));
      if ('revision' in result) return result.revision;
      throw new RevisionMismatchError(key, result.current);
    },
    async delete(key, expectedRevision) {
      // No key has revision -1: deleting what must not exist is a mismatch, never a success that did nothing.
      const result = await write(key, expectedRevision || -1, { request_delete_range: { key: Buffer.from(key, 'utf8') } });
      if ('revision' in result) return result.revision;
      throw new RevisionMismatchError(key, result.current);
    },
    watch(prefix, fromRevision) {
      if (closed) throw new StoreClosedError();
      const watch = watchEtcd(rpc, prefixRange(prefix), fromRevision, (ended) => watches.delete(ended));
      watches.add(watch);
      return watch;
    },
    async currentRevision() {
      return Number((await range({ key: zero, count_only: true })).header.revision);
    },
    async compact(revision) {
      try {
        await call('KV/Compact', { revision }, true);
      } catch (error) {
        // Another server was faster.
        if (!(error instanceof CompactedError)) throw error;
      }
    },
    async entries() {
      const revision = Number((await range({ key: zero, count_only: true })).header.revision);
      return { revision, entries: snapshotEntries(revision) };
    },
    async size() {
      return { id: 'etcd-0', bytes: Number((await call<{ dbSize: string | number }>('Maintenance/Status', {}, true)).dbSize) };
    },
    async close() {
      if (closed) return;
      closed = true;
      for (const watch of [...watches]) watch.cancel();
      rpc.close();
    },
  };

  async function* snapshotEntries(revision: number): AsyncGenerator<SnapshotEntry> {
    const leases = new Map<string, Promise<number>>();
    const ttlOf = async (id: string): Promise<number> => {
      const { TTL } = await call<{ TTL?: string }>('Lease/LeaseTimeToLive', { ID: id }, true);
      return Math.max(1, Number(TTL ?? 0));
    };
    for await (const page of pages('', '', revision, Number.POSITIVE_INFINITY)) {
      for (const kv of page.kvs ?? []) {
        if (!kv.lease || kv.lease === '0') {
          yield toEntry(kv);
          continue;
        }
        if (!leases.has(kv.lease)) leases.set(kv.lease, ttlOf(kv.lease));
        yield { ...toEntry(kv), ttlSeconds: await leases.get(kv.lease)! };
      }
    }
  }
}

/** etcd's texts (`etcdserver/api/v3rpc/rpctypes`) as the errors of the contract. */
function translate(error: unknown, request: Message, endpoints: readonly string[]): unknown {
  const { code, details } = error as Partial<ServiceError>;
  const revision = Number(request['revision'] ?? 0);
  if (code === status.OUT_OF_RANGE && details?.includes('has been compacted')) return new CompactedError(revision);
  if (code === status.OUT_OF_RANGE && details?.includes('future revision')) return new FutureRevisionError(revision, 0);
  if (code === status.RESOURCE_EXHAUSTED && details?.includes('database space exceeded')) return new StoreFullError(endpoints.join(', '), { cause: error });
  return error;
}
