/**
 * A cluster's PKI in a directory, laid out as kubeadm does: `ca.crt`, `ca.key`, `front-proxy-ca.*`, `apiserver.*`, …, `sa.key`, `sa.pub`.
 * The directory appears at once, complete; every file is 0600.
 */
import { mkdir, mkdtemp, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { completePki, type KeyPair, leafNames, type PartialPki, type Pki, type PkiOptions } from './pki.ts';

type Files = Map<string, string>;

function filesOf(pki: Pki): Files {
  const files: Files = new Map();
  const pair = (name: string, { certificate, key }: KeyPair): void => {
    files.set(`${name}.crt`, certificate).set(`${name}.key`, key);
  };
  pair('ca', pki.ca);
  pair('front-proxy-ca', pki.frontProxyCa);
  for (const name of leafNames) pair(name, pki.leaves[name]);
  files.set('sa.key', pki.serviceAccount.privateKey).set('sa.pub', pki.serviceAccount.publicKey);
  return files;
}

async function writeDurably(path: string, content: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function readPair(directory: string, name: string): Promise<KeyPair | undefined> {
  const [certificate, key] = await Promise.all([readIfPresent(join(directory, `${name}.crt`)), readIfPresent(join(directory, `${name}.key`))]);
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

async function read(directory: string): Promise<PartialPki | undefined> {
  const ca = await readPair(directory, 'ca');
  if (!ca) return undefined;
  const [frontProxyCa, privateKey, publicKey, ...pairs] = await Promise.all([
    readPair(directory, 'front-proxy-ca'),
    readIfPresent(join(directory, 'sa.key')),
    readIfPresent(join(directory, 'sa.pub')),
    ...leafNames.map((name) => readPair(directory, name)),
  ]);
  const leaves: NonNullable<PartialPki['leaves']> = {};
  leafNames.forEach((name, index) => {
    const pair = pairs[index];
    if (pair) leaves[name] = pair;
  });
  return { ca, frontProxyCa, leaves, ...(privateKey && publicKey ? { serviceAccount: { privateKey, publicKey } } : {}) };
}

/** Writes into a directory beside, then renames it into place; false when another process was quicker. */
async function writeWhole(directory: string, files: Files): Promise<boolean> {
  await mkdir(dirname(directory), { recursive: true, mode: 0o700 });
  const beside = await mkdtemp(join(dirname(directory), `.${basename(directory)}-`));
  try {
    // Side by side, so that they share a flush of the disk.
    await Promise.all([...files].map(([name, content]) => writeDurably(join(beside, name), content)));
    await rename(beside, directory);
    return true;
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    if (error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST')) return false;
    throw error;
  }
}

/** Replaces single files, each atomically. A crash between a certificate and its key leaves a pair that the next load renews. */
async function replace(directory: string, files: Files, changed: (name: string) => boolean): Promise<void> {
  for (const [name, content] of files) {
    if (!changed(name)) continue;
    const beside = join(directory, `.${name}.new`);
    await writeDurably(beside, content);
    await rename(beside, join(directory, name));
  }
}

/**
 * Loads the PKI of that directory, making it when there is none and renewing what is near its end.
 * Two processes that start at once end up with the same PKI.
 * @throws when the directory has a CA certificate without a readable key, or can't be read or written.
 */
export async function loadOrCreatePki(directory: string, options: PkiOptions = {}): Promise<Pki> {
  const found = await read(directory);
  const { pki, renewed } = completePki(found ?? {}, options);
  const files = filesOf(pki);
  if (!found && (await writeWhole(directory, files))) return pki;
  if (!found) {
    const others = await read(directory);
    if (!others) throw new Error(`${directory} exists and holds no CA (ca.crt and ca.key)`);
    return loadOrCreatePki(directory, options);
  }
  if (renewed.length > 0) {
    const names: Record<string, string> = { frontProxyCa: 'front-proxy-ca', serviceAccount: 'sa' };
    const stems = new Set(renewed.map((name) => names[name] ?? name));
    await replace(directory, files, (name) => stems.has(name.replace(/\.[a-z]+$/, '')));
  }
  return pki;
}
