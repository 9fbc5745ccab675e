/** `/logs/`: the files below `/var/log` of the machine, for reading. */
import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ServerParts } from './server.ts';
import { HttpError } from './streaming.ts';

const root = '/var/log';
const escapeHtml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&#34;');

/** The file that is meant; links may not lead out of the directory. Throws 404. */
export async function logFile(path: string, directory = root): Promise<string> {
  const found = await realpath(join(directory, path)).catch(() => undefined);
  const base = await realpath(directory).catch(() => directory);
  if (!found || (found !== base && !found.startsWith(`${base}/`))) throw new HttpError(404, '404 page not found');
  return found;
}

export async function systemLogs({ context }: ServerParts, request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  if (!context.config.enableSystemLogHandler) throw new HttpError(405, 'logs endpoint is disabled.');
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new HttpError(405, '405: Method Not Allowed');
  const file = await logFile(decodeURIComponent(path.slice('/logs'.length)));
  const info = await stat(file);
  if (info.isDirectory()) {
    const entries = await readdir(file, { withFileTypes: true });
    const names = entries.map((entry) => `${entry.name}${entry.isDirectory() ? '/' : ''}`).sort();
    const lines = names.map((name) => `<a href="${encodeURI(name)}">${escapeHtml(name)}</a>`);
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(`<pre>\n${lines.join('\n')}\n</pre>\n`);
    return;
  }
  if (!info.isFile()) throw new HttpError(404, '404 page not found');
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'last-modified': info.mtime.toUTCString(), 'x-content-type-options': 'nosniff' });
  await pipeline(createReadStream(file), response);
}
