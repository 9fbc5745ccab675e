/** Puts an image together from files, as the archive that `docker save` writes and every runtime can import. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';

export interface ImageEntry {
  /** Path in the image, without a leading slash. */
  path: string;
  type?: 'file' | 'directory' | 'symlink';
  content?: Uint8Array;
  /** Of a symlink. */
  target?: string;
  mode?: number;
  uid?: number;
  gid?: number;
}

/** The runtime part of an OCI image configuration. */
export interface ImageConfig {
  Entrypoint?: string[];
  Cmd?: string[];
  Env?: string[];
  User?: string;
  WorkingDir?: string;
  ExposedPorts?: Record<string, object>;
  Volumes?: Record<string, object>;
  Labels?: Record<string, string>;
}

export interface ImageDescription {
  /** Full names, e.g. `registry.k8s.io/pause:3.10.2`. */
  names: string[];
  config: ImageConfig;
  entries?: readonly ImageEntry[];
  /** A tree whose files come below `entries`. Owners and modes are kept; sockets and devices are left out. */
  directory?: string;
}

const epoch = new Date(0);

async function addTree(archive: Pack, root: string, below = ''): Promise<void> {
  for (const name of (await readdir(join(root, below))).sort()) {
    const path = below ? `${below}/${name}` : name;
    const full = join(root, path);
    const { mode, uid, gid, size, ...stat } = await lstat(full);
    const header = { name: path, mode: mode & 0o7777, uid, gid, mtime: epoch };
    if (stat.isSymbolicLink()) archive.entry({ ...header, type: 'symlink', linkname: await readlink(full) });
    else if (stat.isDirectory()) {
      archive.entry({ ...header, type: 'directory' });
      await addTree(archive, root, path);
    } else if (stat.isFile()) await pipeline(createReadStream(full), archive.entry({ ...header, type: 'file', size }));
  }
}

async function layerOf({ entries = [], directory }: ImageDescription): Promise<Buffer> {
  const archive = pack();
  const bytes = buffer(archive);
  for (const { path, type = 'file', content = new Uint8Array(), target, mode, uid = 0, gid = 0 } of entries) {
    const header = { name: path, uid, gid, mtime: epoch, mode: mode ?? (type === 'directory' ? 0o755 : 0o644) };
    if (type === 'symlink') archive.entry({ ...header, type, linkname: target ?? '' });
    else if (type === 'directory') archive.entry({ ...header, type });
    else archive.entry({ ...header, type }, Buffer.from(content));
  }
  if (directory) await addTree(archive, directory);
  archive.finalize();
  return bytes;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const ociArchitecture = (architecture: string): string => ({ x64: 'amd64', arm64: 'arm64' })[architecture] ?? architecture;

/** The archive of one image with one layer. The same input gives the same bytes. */
export async function imageArchive(image: ImageDescription): Promise<Buffer> {
  const layer = await layerOf(image);
  const config = Buffer.from(
    JSON.stringify({
      created: '1970-01-01T00:00:00Z',
      architecture: ociArchitecture(process.arch),
      os: 'linux',
      config: image.config,
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
      history: [{ created: '1970-01-01T00:00:00Z', created_by: 'knarr' }],
    }),
  );
  const configName = `${sha256(config)}.json`;
  const archive = pack();
  const bytes = buffer(archive);
  archive.entry({ name: 'layer.tar', mtime: epoch }, layer);
  archive.entry({ name: configName, mtime: epoch }, config);
  archive.entry({ name: 'manifest.json', mtime: epoch }, JSON.stringify([{ Config: configName, RepoTags: image.names, Layers: ['layer.tar'] }]));
  archive.finalize();
  return bytes;
}
