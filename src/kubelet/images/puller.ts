/** Sees to it that an image is on the node before its container is created: pull policies, back-off, a limit on pulls at once. */
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import { type KubeletContext, messageOf, runtimeMessageOf } from '../context.ts';
import type { Image, PodSandboxConfig } from '../cri/types.gen.ts';
import { createBackoff } from '../runtime/backoff.ts';
import { pullCredentials, type TrackedCredential } from './credentials.ts';
import type { Providers } from './providers.ts';
import type { PullRecords } from './pullrecords.ts';
import { withDefaultTag } from './reference.ts';

/** A start that failed: `reason` and `message` of the container's waiting state. */
export class StartError extends Error {
  readonly reason: string;
  /** Epoch milliseconds before which there is no use in trying again. */
  readonly retryAt: number | undefined;
  constructor(reason: string, message: string, options?: { cause?: unknown; retryAt?: number }) {
    super(message, options);
    this.reason = reason;
    this.retryAt = options?.retryAt;
  }
}

type ImageUser = Pick<Container, 'name' | 'image' | 'imagePullPolicy'>;
type EventTarget = Parameters<KubeletContext['events']['event']>[0];

export interface ImagePuller {
  /** The image as the runtime has it. Throws {@link StartError}. */
  ensure(pod: Pod, container: ImageUser, sandbox: PodSandboxConfig, signal: AbortSignal, fieldPath?: string): Promise<Image>;
  forget(podUid: string): void;
}

/** How long a failed pull is shown as such before it turns into a back-off. */
const shownMs = 2_000;
const initialBackoffMs = 10_000;
const maxBackoffMs = 300_000;

/** `1.234s`, `12ms`, `1m2.5s`, as Go prints durations cut to milliseconds. */
export function formatDuration(milliseconds: number): string {
  const ms = Math.round(milliseconds);
  if (ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1000;
  return `${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${seconds}s`;
}

function semaphore(limit: number): (task: () => Promise<unknown>) => Promise<void> {
  let free = limit;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}

/** A limit on pulls per second; what comes too early is refused. 0 for no limit. */
function tokenBucket(perSecond: number, burst: number, now: () => number): () => boolean {
  let tokens = burst;
  let last = now();
  return () => {
    if (perSecond <= 0) return true;
    tokens = Math.min(burst, tokens + ((now() - last) / 1000) * perSecond);
    last = now();
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}

/** Upstream's names for sizes of images, by their lower bounds in MiB. */
const sizeBuckets: readonly (readonly [number, string])[] = [
  [0, '0-10MB'],
  [10, '10MB-100MB'],
  [100, '100MB-500MB'],
  [500, '500MB-1GB'],
  [1024, '1GB-5GB'],
  [5120, '5GB-10GB'],
  [10_240, '10GB-20GB'],
  [20_480, '20GB-30GB'],
  [30_720, '30GB-40GB'],
  [40_960, '40GB-60GB'],
  [61_440, '60GB-100GB'],
  [102_400, 'GT100GB'],
];
const sizeBucket = (bytes: number): string => sizeBuckets.findLast(([above]) => bytes > above * 1024 * 1024)?.[1] ?? 'N/A';

const registryErrors: Record<string, string> = {
  RegistryUnavailable: 'because the registry is unavailable',
  SignatureValidationFailed: 'because the signature validation failed',
};

export function createImagePuller(context: KubeletContext, records: PullRecords, providers: Providers): ImagePuller {
  const { cri, events } = context;
  const backoff = createBackoff(initialBackoffMs, maxBackoffMs);
  const lastError = new Map<string, string>();
  const lastFailure = new Map<string, number>();
  const limited = semaphore(context.config.maxParallelImagePulls);
  const admitted = tokenBucket(context.config.registryPullQPS, context.config.registryBurst, () => context.now().getTime());

  async function inspect(image: string): Promise<Image | undefined> {
    try {
      return await cri.imageStatus({ image });
    } catch (error) {
      throw new StartError('ImageInspectError', `Failed to inspect image "${image}": ${runtimeMessageOf(error)}`, { cause: error });
    }
  }

  /** The pod's own secrets, then what providers on the node know. */
  const credentialsFor = async (pod: Pod, image: string): Promise<TrackedCredential[]> => [
    ...(await pullCredentials(context, pod, image)),
    ...(await providers(pod, image)),
  ];

  /** Returns the credentials that the registry took. */
  async function pullWith(
    image: string,
    credentials: readonly TrackedCredential[],
    sandbox: PodSandboxConfig,
    signal: AbortSignal,
  ): Promise<TrackedCredential | undefined> {
    if (!admitted()) throw new Error('pull QPS exceeded');
    const failures: unknown[] = [];
    for (const credential of credentials.length ? credentials : [undefined]) {
      try {
        await cri.pullImage({ image: { image }, sandboxConfig: sandbox, ...(credential ? { auth: credential.auth } : {}) }, { signal });
        return credential;
      } catch (error) {
        failures.push(error);
      }
    }
    if (new Set(failures.map(messageOf)).size === 1) throw failures[0];
    throw new Error(`[${[...new Set(failures.map(messageOf))].join(', ')}]`);
  }

  async function ensure(pod: Pod, container: ImageUser, about: EventTarget, sandbox: PodSandboxConfig, signal: AbortSignal): Promise<Image> {
    const requested = container.image ?? '';
    let image: string;
    try {
      image = withDefaultTag(requested);
    } catch (error) {
      const message = `Failed to apply default image tag "${requested}": ${messageOf(error)}`;
      events.event(about, 'Warning', 'InspectFailed', message);
      throw new StartError('InvalidImageName', message, { cause: error });
    }
    const policy = container.imagePullPolicy ?? 'IfNotPresent';
    const present = policy === 'Always' ? undefined : await inspect(image);
    let found: Promise<TrackedCredential[]> | undefined;
    const credentials = (): Promise<TrackedCredential[]> => {
      found ??= credentialsFor(pod, image);
      return found;
    };
    if (present && !(await records.mustPull(image, present.id ?? '', credentials))) {
      events.event(about, 'Normal', 'Pulled', `Container image "${requested}" already present on machine and can be accessed by the pod`);
      return present;
    }
    if (policy === 'Never') {
      const message = `Container image "${requested}" is not present with pull policy of Never`;
      events.event(about, 'Warning', 'ErrImageNeverPull', message);
      throw new StartError('ErrImageNeverPull', message);
    }
    const key = `${pod.metadata.uid}_${requested}`;
    if (backoff.isInBackOffSince(key, lastFailure.get(key) ?? 0)) {
      const message = `Back-off pulling image "${requested}"`;
      events.event(about, 'Normal', 'BackOff', message);
      const before = lastError.get(key);
      throw new StartError('ImagePullBackOff', before ? `${message}: ${before}` : message, { retryAt: (lastFailure.get(key) ?? 0) + backoff.get(key) });
    }
    events.event(about, 'Normal', 'Pulling', `Pulling image "${requested}"`);
    const asked = Date.now();
    let began = asked;
    let used: TrackedCredential | undefined;
    try {
      const usable = await credentials();
      await records.begin(image);
      await limited(async () => {
        began = Date.now();
        used = await pullWith(image, usable, sandbox, signal);
      });
    } catch (error) {
      await records.failed(image);
      if (signal.aborted) throw new StartError('ErrImagePull', 'pull canceled', { cause: error });
      const text = messageOf(error);
      events.event(about, 'Warning', 'Failed', `Failed to pull image "${requested}": ${text}`);
      const known = Object.keys(registryErrors).find((name) => runtimeMessageOf(error).startsWith(name));
      const reason = known ?? 'ErrImagePull';
      const message = known ? `image pull failed for ${requested} ${registryErrors[known]}${runtimeMessageOf(error).slice(known.length)}` : text;
      lastError.set(key, `${reason}: ${message}`);
      lastFailure.set(key, Date.now());
      backoff.next(key, Date.now());
      throw new StartError(reason, message, { cause: error, retryAt: Date.now() + shownMs });
    }
    const pulled = await inspect(image);
    if (pulled) await records.pulled(image, pulled.id ?? '', used);
    else await records.failed(image);
    if (!pulled) throw new StartError('ErrImagePull', `Failed to find image "${requested}" after it was pulled`);
    context.meters.observe('image_pull_duration_seconds', (Date.now() - asked) / 1000, { image_size_in_bytes: sizeBucket(pulled.size ?? 0) });
    const took = formatDuration(Date.now() - began);
    events.event(
      about,
      'Normal',
      'Pulled',
      `Successfully pulled image "${requested}" in ${took} (${formatDuration(Date.now() - asked)} including waiting). Image size: ${pulled.size ?? 0} bytes.`,
    );
    return pulled;
  }

  return {
    ensure: async (pod, container, sandbox, signal, fieldPath) => {
      const about = { apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata, fieldPath: fieldPath ?? `spec.containers{${container.name}}` };
      try {
        return await ensure(pod, container, about, sandbox, signal);
      } catch (error) {
        if (error instanceof StartError && !signal.aborted) events.event(about, 'Warning', 'Failed', `Error: ${error.reason}`);
        throw error;
      }
    },
    forget: (podUid) => {
      backoff.delete(`${podUid}_`);
      for (const map of [lastError, lastFailure]) for (const key of map.keys()) if (key.startsWith(`${podUid}_`)) map.delete(key);
    },
  };
}
