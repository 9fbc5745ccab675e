/**
 * What a controller did and its informer has not shown yet: until then the cache must not be believed.
 * Semantics of upstream's `ControllerExpectations`: they expire, since an informer may never show what was expected.
 */
import { monotonic } from './monotonic.ts';

/** Upstream's `ExpectationsTimeout`. */
const timeoutMs = 5 * 60_000;

interface Expectation {
  creations: number;
  deletions: number;
  since: number;
}

export interface Expectations {
  expectCreations(key: string, count: number): void;
  expectDeletions(key: string, count: number): void;
  /** Also for a creation that failed: it will never be seen. */
  creationObserved(key: string): void;
  deletionObserved(key: string): void;
  /** Adds to what is already expected. */
  raise(key: string, creations: number, deletions: number): void;
  /** True when all was seen, when it took too long, and for a key of which nothing is expected. */
  satisfied(key: string): boolean;
  /** Of an object that is gone. */
  forget(key: string): void;
}

/** `now` in milliseconds. */
export function createExpectations(now: () => number = monotonic): Expectations {
  const expectations = new Map<string, Expectation>();
  const change = (key: string, creations: number, deletions: number): void => {
    const expectation = expectations.get(key);
    if (!expectation) return;
    expectation.creations += creations;
    expectation.deletions += deletions;
  };
  return {
    expectCreations: (key, count) => void expectations.set(key, { creations: count, deletions: 0, since: now() }),
    expectDeletions: (key, count) => void expectations.set(key, { creations: 0, deletions: count, since: now() }),
    creationObserved: (key) => change(key, -1, 0),
    deletionObserved: (key) => change(key, 0, -1),
    raise: change,
    satisfied(key) {
      const expectation = expectations.get(key);
      if (!expectation) return true;
      return (expectation.creations <= 0 && expectation.deletions <= 0) || now() - expectation.since > timeoutMs;
    },
    forget: (key) => void expectations.delete(key),
  };
}

export interface UidExpectations extends Omit<Expectations, 'expectDeletions' | 'deletionObserved'> {
  /** `objects` are keys or uids of what is being deleted. */
  expectDeletions(key: string, objects: readonly string[]): void;
  /** Counts once per object, however often it is reported (a deletion timestamp first, the deletion later). */
  deletionObserved(key: string, object: string): void;
}

/** Expectations that know which objects are being deleted, as upstream's `UIDTrackingControllerExpectations`. */
export function createUidExpectations(now: () => number = monotonic): UidExpectations {
  const expectations = createExpectations(now);
  const deleting = new Map<string, Set<string>>();
  return {
    ...expectations,
    expectDeletions(key, objects) {
      const unique = new Set(objects);
      deleting.set(key, unique);
      expectations.expectDeletions(key, unique.size);
    },
    deletionObserved(key, object) {
      if (deleting.get(key)?.delete(object)) expectations.deletionObserved(key);
    },
    forget(key) {
      deleting.delete(key);
      expectations.forget(key);
    },
  };
}
