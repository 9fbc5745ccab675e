/** The framing of a watch: one JSON document per line, cut into chunks anywhere. */

const newline = 0x0a;

/** Splits chunks at line feeds and parses each line; a last line without line feed counts, an incomplete document is dropped with the connection. */
export async function* decodeLines<T>(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  let rest: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const tail = chunk.subarray(start, end);
      const line = rest.length === 0 ? view(tail) : Buffer.concat([...rest, tail]);
      rest = [];
      start = end + 1;
      if (line.length > 0) yield JSON.parse(line.toString('utf8')) as T;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
  if (rest.length === 0) return;
  const last = parseOrNothing<T>(Buffer.concat(rest).toString('utf8'));
  if (last !== undefined) yield last;
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
