/**
 * A registry with one image under every name, which only `joe` with the password `secret` may pull. The content
 * of `corrupt` is not what its manifest says, and `foreign` is for other machines. Run as a program inside a node's network namespace: `node registry.ts <archive> <port>`; says `up` when it listens.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';

const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';
const listType = 'application/vnd.docker.distribution.manifest.list.v2+json';
const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Files of an archive that `docker save` would write. */
async function filesOf(archive: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for await (const entry of createReadStream(archive).pipe(extract())) files.set(entry.header.name, await buffer(entry));
  return files;
}

const [archive = '', port = '0'] = process.argv.slice(2);
const files = await filesOf(archive);
const file = (name: string): Buffer => files.get(name) ?? Buffer.alloc(0);
const [{ Config, Layers }] = JSON.parse(file('manifest.json').toString()) as [{ Config: string; Layers: string[] }];
const blobs = new Map([Config, ...Layers].map((name) => [digestOf(file(name)), file(name)]));
const part = (mediaType: string, bytes: Buffer) => ({ mediaType, size: bytes.length, digest: digestOf(bytes) });
const layerType = (bytes: Buffer): string => `application/vnd.docker.image.rootfs.diff.tar${bytes[0] === 0x1f ? '.gzip' : ''}`;
const jsonOf = (value: object): Buffer => Buffer.from(JSON.stringify(value));
const layers = Layers.map((name) => part(layerType(file(name)), file(name)));
const manifestWith = (config: object): Buffer => jsonOf({ schemaVersion: 2, mediaType: manifestType, config, layers });
const config = part('application/vnd.docker.container.image.v1+json', file(Config));
const manifest = manifestWith(config);
const other = digestOf(Buffer.from('something else'));
const corrupt = manifestWith({ ...config, digest: other });
blobs.set(other, file(Config));
const platform = { os: 'linux', architecture: 's390x' };
const foreign = jsonOf({ schemaVersion: 2, mediaType: listType, manifests: [{ ...part(manifestType, manifest), platform }] });

/** By digest, or by the name of the image. */
function manifestOf(url: string): { mediaType: string; body: Buffer } {
  const [, name, reference] = /([^/]+)\/manifests\/(.+)$/.exec(url) ?? [];
  const of = (image: string, bytes: Buffer): boolean => reference === digestOf(bytes) || (name === image && reference === '1');
  if (of('foreign', foreign)) return { mediaType: listType, body: foreign };
  return { mediaType: manifestType, body: of('corrupt', corrupt) ? corrupt : manifest };
}
const joe = `Basic ${Buffer.from('joe:secret').toString('base64')}`;

createServer(({ headers, method, url = '' }, response) => {
  if (headers.authorization !== joe) return void response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
  const blob = blobs.get(/\/blobs\/(.+)$/.exec(url)?.[1] ?? '');
  const found = url.includes('/manifests/') ? manifestOf(url) : blob && { mediaType: 'application/octet-stream', body: blob };
  if (!found) return void response.writeHead(url === '/v2/' ? 200 : 404).end();
  const { mediaType, body } = found;
  response.writeHead(200, { 'content-type': mediaType, 'content-length': body.length, 'docker-content-digest': digestOf(body) });
  response.end(method === 'HEAD' ? undefined : body);
}).listen(Number(port), '127.0.0.1', () => console.log('up'));
