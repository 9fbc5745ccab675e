/** Lists in protobuf: the messages of the items, framed as field 2 after the list's metadata. */
import type { ListMeta } from '../../apimachinery/meta.ts';

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) length++;
  return length;
}

function writeVarint(buffer: Buffer, offset: number, value: number): number {
  let rest = value;
  let at = offset;
  while (rest >= 0x80) {
    buffer[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  buffer[at++] = rest;
  return at;
}

function stringField(tag: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  const field = Buffer.allocUnsafe(1 + varintLength(bytes.length) + bytes.length);
  field[0] = tag;
  bytes.copy(field, writeVarint(field, 1, bytes.length));
  return field;
}

function listMeta({ selfLink = '', resourceVersion = '', continue: token = '', remainingItemCount }: ListMeta): Buffer {
  const parts = [stringField(0x0a, selfLink), stringField(0x12, resourceVersion), stringField(0x1a, token)];
  if (remainingItemCount !== undefined) {
    const field = Buffer.allocUnsafe(1 + varintLength(remainingItemCount));
    field[0] = 0x20;
    writeVarint(field, 1, remainingItemCount);
    parts.push(field);
  }
  return Buffer.concat(parts);
}

/** What comes before the items. Every list type has `metadata = 1` and `items = 2`. */
export function listHead(metadata: ListMeta): Buffer {
  const meta = listMeta(metadata);
  const head = Buffer.allocUnsafe(1 + varintLength(meta.length) + meta.length);
  head[0] = 0x0a;
  meta.copy(head, writeVarint(head, 1, meta.length));
  return head;
}

/** The items one after the other. `placed` hears where each came to lie. */
export function framedItems(items: readonly Uint8Array[], placed?: (index: number, bytes: Buffer) => void): Buffer {
  let size = 0;
  for (const item of items) size += 1 + varintLength(item.byteLength) + item.byteLength;
  const framed = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const [index, item] of items.entries()) {
    framed[at] = 0x12;
    at = writeVarint(framed, at + 1, item.byteLength);
    framed.set(item, at);
    placed?.(index, framed.subarray(at, at + item.byteLength));
    at += item.byteLength;
  }
  return framed;
}

export const listMessage = (metadata: ListMeta, items: readonly Uint8Array[]): Buffer => Buffer.concat([listHead(metadata), framedItems(items)]);
