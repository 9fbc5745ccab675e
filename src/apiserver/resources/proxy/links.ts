/**
 * Pages behind a proxy of the API server keep working in a browser: links to the page's own server are put behind the proxy.
 * Rule of apimachinery's `util/proxy` Transport: attributes that hold addresses, in `text/html` alone.
 */
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import type { Reply, ReplyHeaders, Sink } from '../../exchange.ts';

/** Which attributes of which elements hold addresses. */
const linkAttributes: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['formaction', 'src', 'usemap'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};

const tag = /<([a-zA-Z][a-zA-Z0-9]*)((?:\s+[^\s=>]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+))?)*)\s*\/?>/g;
const attribute = /(\s+)([^\s=>]+)(\s*=\s*)(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g;

/** An address as it must be written so that it leads through the proxy; relative ones and those of other hosts stay. */
export function rewriteAddress(address: string, prefix: string, host: string): string {
  const absolute = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?\/\/([^/?#]*)(.*)$/.exec(address);
  if (absolute && absolute[2] !== host && absolute[2]?.replace(/:\d+$/, '') !== host) return address;
  const rest = absolute ? (absolute[3] ?? '') : address;
  if (!rest.startsWith('/') || rest.startsWith(prefix)) return address;
  return `${prefix}${rest}`;
}

/** A page with its links put behind the proxy. Pure. */
export function rewritePage(page: string, prefix: string, host: string): string {
  return page.replaceAll(tag, (whole: string, element: string, attributes: string) => {
    const names = linkAttributes[element.toLowerCase()];
    if (!names || attributes === '') return whole;
    const changed = attributes.replaceAll(
      attribute,
      (one: string, space: string, name: string, equals: string, double?: string, single?: string, bare?: string) => {
        if (!names.includes(name.toLowerCase())) return one;
        const address = rewriteAddress(double ?? single ?? bare ?? '', prefix, host);
        return `${space}${name}${equals}${single !== undefined ? `'${address}'` : `"${address}"`}`;
      },
    );
    return whole.replace(attributes, () => changed);
  });
}

/** A redirect within the proxied server stays behind the proxy. */
export function keepRedirectBehind(prefix: string, headers: ReplyHeaders): void {
  const { location } = headers;
  if (typeof location === 'string' && location.startsWith('/') && !location.startsWith(prefix)) headers['location'] = `${prefix}${location}`;
}

const decoders: Readonly<Record<string, (bytes: Buffer) => Promise<Buffer>>> = {
  '': async (bytes) => bytes,
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
};

/** Pages are read whole; anything else, and what is compressed in a way unknown here, is passed on as it comes. */
export async function rewriteLinks(reply: Reply, prefix: string, host: string): Promise<Reply> {
  const type = String(reply.headers['content-type'] ?? '')
    .split(';')[0]
    ?.trim();
  const decode = decoders[String(reply.headers['content-encoding'] ?? '')];
  if (type !== 'text/html' || !reply.stream || !decode || reply.headers['location'] !== undefined) return reply;
  const bytes = await decode(await collect(reply.stream));
  const { 'content-length': _, 'content-encoding': __, ...headers } = reply.headers;
  return { status: reply.status, headers, body: Buffer.from(rewritePage(bytes.toString('latin1'), prefix, host), 'latin1') };
}

function collect(stream: (sink: Sink) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    stream({
      write: (chunk) => void chunks.push(chunk),
      end: () => resolve(Buffer.concat(chunks)),
      destroy: () => reject(new Error('the answer was cut off')),
      pendingBytes: () => 0,
      onDrain: (listener) => listener(),
      onClose: () => {},
      closed: false,
    });
  });
}
