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

/** Every list type has `metadata = 1` and `items = 2`. */
export function listMessage(metadata: ListMeta, items: readonly Uint8Array[]): Buffer {
  const meta = listMeta(metadata);
  let size = 1 + varintLength(meta.length) + meta.length;
  for (const item of items) size += 1 + varintLength(item.byteLength) + item.byteLength;
  const message = Buffer.allocUnsafe(size);
  message[0] = 0x0a;
  let at = writeVarint(message, 1, meta.length);
  at += meta.copy(message, at);
  for (const item of items) {
    message[at] = 0x12;
    at = writeVarint(message, at + 1, item.byteLength);
    message.set(item, at);
    at += item.byteLength;
  }
  return message;
}
