/** Reads of a range, now or at a revision, in slices that leave the event loop to others. */
import type { Transaction } from 'lmdb';
import { prefixEnd } from '../backend.ts';
import type { ListOptions, ListResult, StoreEntry } from '../store.ts';
import type { Environment } from './environment.ts';
import { decodeHead, decodeLog, decodeNumber } from './records.ts';

/** How long one slice may take. */
const sliceMs = 4;
const entriesPerCheck = 32;

/** One version of a key, without its value. */
export interface Version {
  key: string;
  modRevision: number;
  createRevision: number;
  expiresAt: number;
}

/** Runs `read` on one snapshot of the data, however long it takes. */
async function onSnapshot<R>(environment: Environment, read: (transaction: Transaction) => Promise<R>): Promise<R> {
  const transaction = environment.root.useReadTransaction();
  try {
    return await read(transaction);
  } finally {
    transaction.done();
  }
}

/** Calls `take` for each item; after each slice other work of the event loop gets its turn. Ends early when `take` gives false. */
async function sliced<T>(items: Iterable<T>, take: (item: T) => boolean | void): Promise<void> {
  let started = performance.now();
  let count = 0;
  for (const item of items) {
    if (take(item) === false) return;
    if (++count % entriesPerCheck !== 0 || performance.now() - started < sliceMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    started = performance.now();
  }
}

export const revisionIn = ({ meta }: Environment, transaction?: Transaction): number => {
  const bytes = meta.get('revision', transaction && { transaction });
  return bytes ? decodeNumber(bytes) : 1;
};

export function entryAt({ log }: Environment, { key, modRevision, createRevision }: Version, transaction?: Transaction): StoreEntry {
  const bytes = log.get(modRevision, transaction && { transaction });
  if (!bytes) throw new Error(`the store is damaged: revision ${modRevision} of ${key} is missing`);
  return { key, value: decodeLog(bytes).value, createRevision, modRevision };
}

function* newest({ head }: Environment, start: string, end: string | undefined, transaction: Transaction): Generator<Version> {
  for (const { key, value } of head.getRange({ start, end, transaction })) yield { key, ...decodeHead(value) };
}

/** The versions that stood at `revision` and were replaced since. */
function* replaced({ old, log }: Environment, start: string, end: string | undefined, revision: number, transaction: Transaction): Generator<Version> {
  for (const { key: pair, value } of old.getRange({ start: [start, 0], ...(end === undefined ? {} : { end: [end, 0] }), transaction })) {
    const [key, modRevision] = pair;
    if (modRevision > revision || decodeNumber(value) <= revision) continue;
    const { createRevision } = decodeLog(log.get(modRevision, { transaction })!);
    yield { key, modRevision, createRevision, expiresAt: 0 };
  }
}

/** Two ordered ranges as one; no key is in both. */
function* merged(a: Generator<Version>, b: Generator<Version>): Generator<Version> {
  let one = a.next();
  let two = b.next();
  while (!one.done || !two.done) {
    if (two.done || (!one.done && one.value.key < two.value.key)) {
      if (!one.done) yield one.value;
      one = a.next();
    } else {
      yield two.value;
      two = b.next();
    }
  }
}

function* standing(environment: Environment, start: string, end: string | undefined, revision: number, transaction: Transaction): Generator<Version> {
  const current = newest(environment, start, end, transaction);
  for (const version of merged(current, replaced(environment, start, end, revision, transaction))) if (version.modRevision <= revision) yield version;
}

const rangeStart = (prefix: string, startKey = ''): string => (startKey > prefix ? startKey : prefix);

export function listRange(environment: Environment, prefix: string, { revision, limit, startKey }: ListOptions): Promise<ListResult> {
  return onSnapshot(environment, async (transaction) => {
    const at = revision ?? revisionIn(environment, transaction);
    const start = rangeStart(prefix, startKey);
    const end = prefixEnd(prefix);
    const entries: StoreEntry[] = [];
    const atNewest = at >= revisionIn(environment, transaction);
    const versions = atNewest ? newest(environment, start, end, transaction) : standing(environment, start, end, at, transaction);
    let count = 0;
    await sliced(versions, (version) => {
      count++;
      if (limit === undefined || entries.length < limit) entries.push(entryAt(environment, version, transaction));
      // The rest needs no look at each: LMDB counts it.
      return !(atNewest && limit !== undefined && count > limit);
    });
    if (atNewest && limit !== undefined && count > limit) count = environment.head.getKeysCount({ start, end, transaction } as object);
    return { entries, revision: at, count };
  });
}
