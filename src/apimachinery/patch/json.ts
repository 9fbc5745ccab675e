/**
 * JSON patch (RFC 6902), with the liberties of the library that kube-apiserver uses (evanphx/json-patch v4): negative array
 * indices count from the end, `replace` of an absent object member adds it, `test` for null passes on an absent one.
 */
import { copyJson } from '../copy.ts';
import { deepEqual } from '../equality.ts';
import { badRequest, tooLarge } from '../errors.ts';
import { own } from '../own.ts';
import { doesNotApply, goKind } from './errors.ts';

const maxOperations = 10_000;
/** What all `copy` operations of a patch may add, in bytes of JSON: a small patch must not make a huge object. */
const maxCopiedBytes = 3 * 1024 * 1024;

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The reference tokens; what stands before the first slash is ignored, as the library does. */
const tokens = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));

function indexOf(key: string, length: number, why: string): number {
  if (!/^[+-]?[0-9]+$/.test(key)) throw doesNotApply(`${why}: not an array index: ${key}`);
  const index = Number(key);
  if (index >= length || index < -length) throw doesNotApply(`${why}: invalid index: ${key}`);
  return index < 0 ? index + length : index;
}

const missing = (pointer: string): Error => doesNotApply(`doc is missing path: ${JSON.stringify(pointer)}`);

/** A member of a container; an absent member of an object is undefined, of an array an error. */
function member(container: unknown, key: string, pointer: string): unknown {
  if (Array.isArray(container)) return container[indexOf(key, container.length, pointer)];
  if (!isObject(container)) throw missing(pointer);
  return own(container, key);
}

function read(document: unknown, pointer: string): unknown {
  const path = tokens(pointer);
  if (path.length === 0) throw missing(pointer);
  return path.reduce((container, key) => member(container, key, pointer), document);
}

type Change = (container: Json | unknown[], key: string) => void;

/** What one patch did so far. */
interface Progress {
  /** Containers that are in the document once and nowhere else: they are changed in place. A copy for each operation would be quadratic. */
  ours: WeakSet<object>;
  /** By `copy`. */
  copiedBytes: number;
}

/** The document with the container at the end of the path changed; only copies are. */
function rewrite(document: unknown, path: readonly string[], pointer: string, progress: Progress, change: Change): unknown {
  const [key, ...rest] = path;
  if (key === undefined || typeof document !== 'object' || document === null) throw missing(pointer);
  const copy: Json | unknown[] = progress.ours.has(document) ? (document as Json) : Array.isArray(document) ? [...document] : { ...(document as Json) };
  progress.ours.add(copy);
  if (rest.length === 0) {
    change(copy, key);
    return copy;
  }
  const next = rewrite(member(copy, key, pointer), rest, pointer, progress, change);
  if (Array.isArray(copy)) copy[indexOf(key, copy.length, pointer)] = next;
  else (copy as Json)[key] = next;
  return copy;
}

function add(container: Json | unknown[], key: string, value: unknown, pointer: string): void {
  if (!Array.isArray(container)) container[key] = value;
  else if (key === '-') container.push(value);
  else container.splice(indexOf(key, container.length + 1, pointer), 0, value);
}

function set(container: Json | unknown[], key: string, value: unknown, pointer: string): void {
  if (Array.isArray(container)) container[indexOf(key, container.length, pointer)] = value;
  else container[key] = value;
}

function remove(container: Json | unknown[], key: string, pointer: string): void {
  if (Array.isArray(container)) container.splice(indexOf(key, container.length, pointer), 1);
  else if (Object.hasOwn(container, key)) delete container[key];
  else throw doesNotApply(`unable to remove nonexistent key: ${key}`);
}

interface Operation {
  op: unknown;
  path?: unknown;
  from?: unknown;
  value?: unknown;
}

function textOf(operation: Operation, field: 'path' | 'from'): string {
  const text = operation[field];
  if (typeof text !== 'string') throw doesNotApply(`operation missing ${field} field`);
  return text;
}

function applyOperation(document: unknown, operation: Operation, progress: Progress): unknown {
  const pointer = textOf(operation, 'path');
  const value = operation.value ?? null;
  const change = (edit: Change, at = pointer, of = document) => rewrite(of, tokens(at), at, progress, edit);
  switch (operation.op) {
    case 'add':
      return change((container, key) => add(container, key, value, pointer));
    case 'remove':
      return change((container, key) => remove(container, key, pointer));
    case 'replace':
      if (pointer !== '') return change((container, key) => set(container, key, value, pointer));
      if (typeof value !== 'object' || value === null) throw doesNotApply('replace operation value must be object or array');
      return value;
    case 'move': {
      const from = textOf(operation, 'from');
      const moved = read(document, from) ?? null;
      const without = change((container, key) => remove(container, key, from), from);
      return change((container, key) => add(container, key, moved, pointer), pointer, without);
    }
    case 'copy': {
      const source = copyJson(read(document, textOf(operation, 'from')) ?? null);
      progress.copiedBytes += Buffer.byteLength(JSON.stringify(source));
      if (progress.copiedBytes > maxCopiedBytes) throw doesNotApply(`copies exceed ${maxCopiedBytes} bytes`);
      return change((container, key) => add(container, key, source, pointer));
    }
    case 'test': {
      const actual = pointer === '' ? document : read(document, pointer);
      if (!deepEqual(actual ?? null, value)) throw doesNotApply(`testing value ${pointer} failed`);
      return document;
    }
    default:
      throw doesNotApply(`unexpected kind: ${String(operation.op)}`);
  }
}

/**
 * Applies a JSON patch; the original is left as it is (the result shares what did not change).
 * 400 when the patch is no list of operations, 413 for more than 10,000 of them, 422 when one of them does not apply.
 */
export function applyJsonPatch(original: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest(`error decoding patch: json: cannot unmarshal ${goKind(patch)} into Go value of type []handlers.jsonPatchOp`);
  const wrong = patch.find((operation) => !isObject(operation));
  if (wrong !== undefined) throw badRequest(`error decoding patch: json: cannot unmarshal ${goKind(wrong)} into Go value of type handlers.jsonPatchOp`);
  if (patch.length > maxOperations) {
    throw tooLarge(`The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`);
  }
  const progress: Progress = { ours: new WeakSet(), copiedBytes: 0 };
  return patch.reduce((document: unknown, operation: Operation) => applyOperation(document, operation, progress), original);
}
