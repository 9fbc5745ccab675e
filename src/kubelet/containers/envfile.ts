/** Variables from a file in a volume: lines `NAME='value'`, where a value may go over several lines. Source of the rule: KEP-3721. */
import { open, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Far more than an environment can hold. */
const maxFile = 1024 * 1024;

/** The value of `key`; undefined when the file does not have it. Throws for what is no such file, up to the key. */
export function variableIn(text: string, key: string): string | undefined {
  const lines = text.split('\n');
  const wrong = (line: number, what: string): Error => new Error(`invalid environment variable format at line ${line + 1}: ${what}`);
  for (let at = 0; at < lines.length; at++) {
    const line = (lines[at] ?? '').replace(/^[ \t]+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    if (equals < 0) throw wrong(at, "missing '='");
    const name = line.slice(0, equals);
    if (name.trim() === '') throw wrong(at, 'empty variable name');
    if (/[ \t]$/.test(name)) throw wrong(at, "whitespace before '=' is not allowed");
    let rest = line.slice(equals + 1);
    // As in a shell: `NAME= 'x'` sets NAME to nothing.
    if (/^[ \t]/.test(rest)) {
      if (name === key) return undefined;
      continue;
    }
    if (!rest.startsWith("'")) throw wrong(at, 'value must be enclosed in single quotes');
    const first = at;
    rest = rest.slice(1);
    let value = '';
    for (let end = rest.indexOf("'"); end < 0; end = rest.indexOf("'")) {
      value += `${rest}\n`;
      at++;
      if (at >= lines.length) throw new Error(`invalid environment variable format starting at line ${first + 1}: unclosed single quote`);
      rest = lines[at] ?? '';
    }
    const end = rest.indexOf("'");
    value += rest.slice(0, end);
    if (!/^[ \t]*(#|$)/.test(rest.slice(end + 1))) throw wrong(at, 'unexpected content after closing quote');
    if (name === key) return value;
  }
  return undefined;
}

/** Reads the file at `path` in the volume at `volume`, and does not leave the volume by a link. */
export async function variableFromFile(volume: string, path: string, key: string): Promise<string | undefined> {
  const root = await realpath(volume);
  const file = await realpath(join(root, path));
  const inside = relative(root, file);
  if (inside === '..' || inside.startsWith('../')) throw new Error(`path "${path}" is not in the volume`);
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min((await handle.stat()).size, maxFile)));
    return variableIn(buffer.subarray(0, bytesRead).toString(), key);
  } finally {
    await handle.close();
  }
}
