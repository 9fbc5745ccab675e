/** JSON bodies. */
import { Buffer } from 'node:buffer';
import { jsonSyntaxError } from './jsonerror.ts';
import { exactNumber, isRawNumber } from './number.ts';
import '../own.ts';

/** Only a text with so many digits in a row can have an integer that a double can't hold. */
const manyDigits = /\d{16}/;

/** Upstream allows ten times as much; nothing of sense comes near, and everything that walks over values may then recurse. */
export const maxDepth = 1000;

/** Whether lists and objects stand in one another deeper than anything may be. */
export const isTooDeep = (text: string): boolean => bracketTooDeep(text) !== undefined;

/** The bracket that opens what stands too deep. */
function bracketTooDeep(text: string): string | undefined {
  if (text.length < 2 * maxDepth) return undefined;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at) - 1;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > maxDepth) return text[at];
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
  return undefined;
}

/** Parses JSON; integers beyond 2^53 keep their digits (`RawNumber`). Throws SyntaxError, whose message is that of Go's decoder. */
export function parseJson(body: string | Uint8Array): unknown {
  const text = typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  const bracket = bracketTooDeep(text);
  if (bracket) throw new SyntaxError(`invalid character '${bracket}' exceeded max depth`);
  try {
    return parseText(text);
  } catch (error) {
    throw new SyntaxError(jsonSyntaxError(text) ?? (error as Error).message, { cause: error });
  }
}

function parseText(text: string): unknown {
  if (!manyDigits.test(text)) return JSON.parse(text);
  const parse = JSON.parse as (text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown) => unknown;
  return parse(text, (_key, value, context) => (typeof value === 'number' && context.source ? exactNumber(value, context.source) : value));
}

/**
 * Whether an object in the text names a key twice, given what the text parsed to: keys in the text are counted
 * and compared with those in the value, which costs less than parsing by hand.
 */
export const hasDuplicateKeys = (text: string, value: unknown): boolean => keysInText(text) !== keysInValue(value);

function keysInText(text: string): number {
  let keys = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at)) {
    at = endOfString(text, at);
    let code = text.charCodeAt(at);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++at);
    if (code === 0x3a) keys++;
  }
  return keys;
}

/** The position after the string that opens at `start`. */
export function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return text.length;
}

function keysInValue(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let keys = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') keys += keysInValue(item);
    return keys;
  }
  if (isRawNumber(value)) return 0;
  for (const key in value) {
    keys++;
    const inner = (value as Record<string, unknown>)[key];
    if (typeof inner === 'object') keys += keysInValue(inner);
  }
  return keys;
}
