/**
 * Which credentials an image was pulled with, kept on disk, so that another pod does not use what it could not have pulled
 * itself. Source of the rule: KEP-2535; files as upstream has them, so either kubelet reads the other's.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { timeOf } from '../../apimachinery/meta.ts';
import type { KubeletConfiguration } from '../config/configuration.ts';
import type { TrackedCredential } from './credentials.ts';
import { nameOf } from './reference.ts';

interface SecretRef {
  uid: string;
  namespace: string;
  name: string;
  credentialHash: string;
}
type AccountRef = Omit<SecretRef, 'credentialHash'>;

interface PullCredentials {
  kubernetesSecrets?: SecretRef[];
  kubernetesServiceAccounts?: AccountRef[];
  nodePodsAccessible?: boolean;
}

interface PulledRecord {
  apiVersion: string;
  kind: 'ImagePulledRecord';
  lastUpdatedTime: string;
  imageRef: string;
  credentialMapping?: Record<string, PullCredentials>;
}

const apiVersion = 'kubelet.config.k8s.io/v1beta1';
const fileOf = (name: string): string => `sha256-${createHash('sha256').update(name).digest('hex')}`;

export interface PullRecords {
  /** Whether the pod has to pull though the image is here. `credentials` is asked only if it matters. */
  mustPull(image: string, imageRef: string, credentials: () => Promise<readonly TrackedCredential[]>): Promise<boolean>;
  /** Around a pull: what is on its way counts as pulled by the kubelet. */
  begin(image: string): Promise<void>;
  /** `used` is undefined when no credentials were needed. */
  pulled(image: string, imageRef: string, used: TrackedCredential | undefined): Promise<void>;
  failed(image: string): Promise<void>;
  /** Forgets images that are gone; those that were pulled since `before` stay. */
  prune(remaining: readonly string[], before: Date): Promise<void>;
}

const sameObject = (a: AccountRef, b: AccountRef): boolean => a.uid === b.uid && a.namespace === b.namespace && a.name === b.name;

function credentialsOf(used: TrackedCredential | undefined): PullCredentials {
  if (used?.secret) return { kubernetesSecrets: [used.secret] };
  if (used?.serviceAccount) return { kubernetesServiceAccounts: [used.serviceAccount] };
  return { nodePodsAccessible: true };
}

/** What anybody may have stays so. */
function merged(known: PullCredentials | undefined, more: PullCredentials): PullCredentials {
  if (known?.nodePodsAccessible || more.nodePodsAccessible) return { nodePodsAccessible: true };
  const secrets = [
    ...(known?.kubernetesSecrets ?? []).filter((one) => !more.kubernetesSecrets?.some((other) => sameObject(one, other))),
    ...(more.kubernetesSecrets ?? []),
  ];
  const accounts = [
    ...(known?.kubernetesServiceAccounts ?? []).filter((one) => !more.kubernetesServiceAccounts?.some((other) => sameObject(one, other))),
    ...(more.kubernetesServiceAccounts ?? []),
  ];
  return { ...(secrets.length ? { kubernetesSecrets: secrets } : {}), ...(accounts.length ? { kubernetesServiceAccounts: accounts } : {}) };
}

type Policy = Pick<KubeletConfiguration, 'imagePullCredentialsVerificationPolicy' | 'preloadedImagesVerificationAllowlist'>;

export function createPullRecords(rootDir: string, policy: Policy, now: () => Date): PullRecords {
  const pulling = join(rootDir, 'image_manager', 'pulling');
  const pulled = join(rootDir, 'image_manager', 'pulled');
  const intents = new Map<string, number>();
  /** One change after the other. */
  let queue: Promise<unknown> = Promise.resolve();
  const serially = <T>(task: () => Promise<T>): Promise<T> => {
    const turn = queue.then(task, task);
    queue = turn.catch(() => {});
    return turn;
  };

  async function write(directory: string, name: string, content: object): Promise<void> {
    const file = join(directory, fileOf(name));
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(`${file}.tmp`, JSON.stringify(content), { mode: 0o600 });
    await rename(`${file}.tmp`, file);
  }

  async function read<T>(file: string): Promise<T | undefined> {
    try {
      return JSON.parse(await readFile(file, 'utf8')) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  function verifies(image: string, byKubelet: boolean): boolean {
    switch (policy.imagePullCredentialsVerificationPolicy) {
      case 'NeverVerify':
        return false;
      case 'AlwaysVerify':
        return true;
      case 'NeverVerifyPreloadedImages':
        return byKubelet;
      case 'NeverVerifyAllowlistedImages':
        return !policy.preloadedImagesVerificationAllowlist.some((pattern) =>
          pattern.endsWith('/*') ? nameOf(image).startsWith(pattern.slice(0, -1)) : nameOf(image) === pattern,
        );
    }
  }

  async function record(image: string, imageRef: string, used: TrackedCredential | undefined): Promise<void> {
    const known = await read<PulledRecord>(join(pulled, fileOf(imageRef))).catch(() => undefined);
    const name = nameOf(image);
    const mapping = { ...known?.credentialMapping, [name]: merged(known?.credentialMapping?.[name], credentialsOf(used)) };
    await write(pulled, imageRef, { apiVersion, kind: 'ImagePulledRecord', lastUpdatedTime: timeOf(now()), imageRef, credentialMapping: mapping });
  }

  async function ended(image: string): Promise<void> {
    const left = (intents.get(image) ?? 1) - 1;
    if (left > 0) intents.set(image, left);
    else {
      intents.delete(image);
      await rm(join(pulling, fileOf(image)), { force: true });
    }
  }

  return {
    mustPull: async (image, imageRef, credentials) => {
      let known: PulledRecord | undefined;
      let intended = false;
      try {
        known = await read<PulledRecord>(join(pulled, fileOf(imageRef)));
        intended = (await read(join(pulling, fileOf(image)))) !== undefined;
      } catch {
        return true; // a record that can't be read vouches for nobody
      }
      if (!verifies(image, known !== undefined || intended)) return false;
      const allowed = known?.credentialMapping?.[nameOf(image)];
      if (!allowed) return true;
      if (allowed.nodePodsAccessible) return false;
      for (const credential of await credentials()) {
        const { secret, serviceAccount } = credential;
        const match = allowed.kubernetesSecrets?.find((one) => secret && (one.credentialHash === secret.credentialHash || sameObject(one, secret)));
        if (secret && match) {
          if (!sameObject(match, secret) || match.credentialHash !== secret.credentialHash) await serially(() => record(image, imageRef, credential));
          return false;
        }
        if (serviceAccount && allowed.kubernetesServiceAccounts?.some((one) => sameObject(one, serviceAccount))) return false;
      }
      return true;
    },
    begin: (image) =>
      serially(async () => {
        await write(pulling, image, { apiVersion, kind: 'ImagePullIntent', image });
        intents.set(image, (intents.get(image) ?? 0) + 1);
      }),
    pulled: (image, imageRef, used) =>
      serially(async () => {
        await record(image, imageRef, used);
        await ended(image);
      }),
    failed: (image) => serially(() => ended(image)),
    prune: (remaining, before) =>
      serially(async () => {
        const keep = new Set(remaining.map(fileOf));
        for (const name of await readdir(pulled).catch(() => [])) {
          if (keep.has(name)) continue;
          const known = await read<PulledRecord>(join(pulled, name)).catch(() => undefined);
          if (!known || Date.parse(known.lastUpdatedTime) < before.getTime()) await rm(join(pulled, name), { force: true });
        }
      }),
  };
}
