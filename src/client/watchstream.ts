/** The framing of a watch: one JSON document per line, cut into chunks anywhere. */

const newline = 0x0a;

/** Splits chunks at line feeds and parses each line; a last line without line feed counts, an incomplete document is dropped with the connection. */
export async function* decodeLines<T>(chunks: AsyncIterable<Uint8Array>, textOf = wholeText): AsyncGenerator<T> {
  let rest: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const tail = chunk.subarray(start, end);
      const line = rest.length === 0 ? view(tail) : Buffer.concat([...rest, tail]);
      rest = [];
      start = end + 1;
      if (line.length > 0) yield JSON.parse(textOf(line)) as T;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
  if (rest.length === 0) return;
  const last = parseOrNothing<T>(Buffer.concat(rest).toString('utf8'));
  if (last !== undefined) yield last;
}

const wholeText = (line: Buffer): string => line.toString('utf8');

const ownership = '"managedFields":[';
const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];

/**
 * The line without the first list of that name: nearly half of most objects, and of a shape of its own in each, so that to parse it
 * takes longer than all the rest. Quotes inside of strings are escaped, so what is found is a key.
 */
export function textWithoutManagedFields(line: Buffer): string {
  const start = line.indexOf(ownership);
  if (start < 0) return wholeText(line);
  let end = start + ownership.length;
  for (let depth = 1; depth > 0 && end < line.length; end++) {
    const byte = line[end]!;
    if (byte === quote) {
      for (end++; end < line.length && line[end] !== quote; end++) if (line[end] === backslash) end++;
    } else if (byte === 0x5b || byte === 0x7b) depth++;
    else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  // One of the commas beside it goes too.
  if (line[end] === comma) return line.toString('utf8', 0, start) + line.toString('utf8', end + 1);
  return line.toString('utf8', 0, line[start - 1] === comma ? start - 1 : start) + line.toString('utf8', end);
}

function parseOrNothing<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    // The connection ended inside a document: the watch resumes from the last complete one.
    return undefined;
  }
}

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
