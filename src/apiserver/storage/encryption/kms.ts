/**
 * The `kms` provider, v2: values are encrypted with keys that follow from a seed, and the seed is stored beside each value as the
 * plugin encrypted it. The plugin is asked once for a seed, and once for every seed that is met in the store.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { aesGcm, aesGcmFromSeed } from './aes.ts';
import { type Annotations, codecOf, createKmsService, type KmsService } from './kmsprotocol.ts';
import type { Plain, Transformer } from './transformer.ts';

/** How often the plugin is asked for its key id while it is well, and while it is not; milliseconds. Upstream's values. */
const wellMs = 60_000;
const unwellMs = 10_000;
/** A health check is answered from memory for so long. */
const rememberWellMs = 20_000;
const rememberUnwellMs = 3_000;
/** Nothing is written with a seed whose key the plugin has not confirmed for so long. */
const writableMs = 3 * 60_000;
const seedSize = 32;
const maxKnownSeeds = 1024;
const maxSmall = 1024;
const maxAnnotations = 32 * 1024;

/** `AES_GCM_KEY` and `HKDF_SHA256_XNONCE_AES_GCM_SEED`. */
const plainKey = 0;
const derivedKeys = 1;

const stored = codecOf('EncryptedObject');

interface Envelope {
  encryptedData: Uint8Array;
  keyID: string;
  encryptedDEKSource: Uint8Array;
  annotations: Annotations;
  encryptedDEKSourceType: number;
}

interface Seed {
  transformer: Transformer;
  keyID: string;
  encryptedDEKSource: Uint8Array;
  annotations: Annotations;
  /** Milliseconds since 1970. */
  writableUntil: number;
}

export interface KmsProvider {
  transformer: Transformer;
  /** Rejects with the reason why the plugin can't be used. */
  check(): Promise<void>;
  close(): void;
}

export interface KmsOptions {
  name: string;
  endpoint: string;
  timeoutMs: number;
  log?: Logger | undefined;
  /** For tests. */
  service?: KmsService;
}

function checkEnvelope({ encryptedData, keyID, encryptedDEKSource, annotations, encryptedDEKSourceType }: Envelope): void {
  if (encryptedData.length === 0) throw new Error('encrypted data is empty after unmarshal');
  if (keyID === '') throw new Error('failed to validate key id: keyID is empty');
  if (Buffer.byteLength(keyID) > maxSmall)
    throw new Error(`failed to validate key id: keyID is ${Buffer.byteLength(keyID)} bytes, which exceeds the max size of ${maxSmall}`);
  if (encryptedDEKSource.length === 0) throw new Error('failed to validate encrypted DEK source: encrypted DEK source is empty');
  if (encryptedDEKSource.length > maxSmall) throw new Error(`failed to validate encrypted DEK source: it exceeds the max size of ${maxSmall} bytes`);
  const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + value.length, 0);
  if (size > maxAnnotations)
    throw new Error(`failed to validate annotations: total size of annotations is ${size}, which exceeds the max size of ${maxAnnotations}`);
  if (encryptedDEKSourceType !== plainKey && encryptedDEKSourceType !== derivedKeys)
    throw new Error(`unknown encryptedDEKSourceType: ${encryptedDEKSourceType}`);
}

/** Resolves when the plugin was asked for the first time, whatever came of it. */
export async function createKmsProvider({ name, endpoint, timeoutMs, log, service = createKmsService(endpoint, timeoutMs) }: KmsOptions): Promise<KmsProvider> {
  const known = new Map<string, Transformer | Promise<Transformer>>();
  let current: Seed | undefined;
  let version = '';
  let last: { at: number; error: Error | undefined } | undefined;
  let asking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const nameOf = ({ encryptedDEKSource, keyID, encryptedDEKSourceType }: Pick<Envelope, 'encryptedDEKSource' | 'keyID' | 'encryptedDEKSourceType'>): string =>
    `${encryptedDEKSourceType}:${keyID}:${Buffer.from(encryptedDEKSource).toString('base64')}`;

  function remember(key: string, transformer: Transformer | Promise<Transformer>): void {
    if (known.size >= maxKnownSeeds) known.delete(known.keys().next().value ?? '');
    known.set(key, transformer);
  }

  async function newSeed(keyID: string): Promise<void> {
    const seed = randomBytes(seedSize);
    const answer = await service.encrypt({ plaintext: seed, uid: randomUUID() });
    const made: Seed = {
      transformer: aesGcmFromSeed(seed),
      keyID: answer.key_id,
      encryptedDEKSource: answer.ciphertext,
      annotations: answer.annotations,
      writableUntil: Date.now() + writableMs,
    };
    checkEnvelope({ ...made, encryptedData: Uint8Array.of(0), encryptedDEKSourceType: derivedKeys });
    if (answer.key_id !== keyID)
      throw new Error(`the plugin encrypts with key ${JSON.stringify(answer.key_id)} while its status names ${JSON.stringify(keyID)}`);
    remember(nameOf({ ...made, encryptedDEKSourceType: derivedKeys }), made.transformer);
    current = made;
  }

  async function ask(): Promise<void> {
    const status = await service.status().catch((error: Error) => {
      throw new Error(`failed to perform status section of the healthz check for KMS Provider ${name}, error: ${error.message}`);
    });
    const wrong: string[] = [];
    if (status.healthz !== 'ok') wrong.push(`got unexpected healthz status: ${status.healthz}`);
    if (status.version !== 'v2' && status.version !== 'v2beta1') wrong.push(`expected KMSv2 API version v2, got ${status.version}`);
    else {
      version ||= status.version;
      if (version !== status.version)
        wrong.push(`KMSv2 API version should not change after the initial status response version ${version}, got ${status.version}`);
    }
    if (status.key_id === '' || Buffer.byteLength(status.key_id) > maxSmall) wrong.push('got invalid KMSv2 KeyID');
    else if (current?.keyID === status.key_id) current.writableUntil = Date.now() + writableMs;
    else {
      await newSeed(status.key_id).catch((error: Error) => {
        wrong.push(`failed to rotate DEK: ${error.message}`);
      });
    }
    if (wrong.length > 0) throw new Error(`kmsv2 Provider ${name} is not healthy, error: ${wrong.length === 1 ? wrong[0] : `[${wrong.join(', ')}]`}`);
  }

  function probe(): Promise<void> {
    asking ??= ask()
      .then(
        () => {
          if (last?.error) log?.info({ provider: name }, 'the KMS plugin is well again');
          last = { at: Date.now(), error: undefined };
        },
        (error: Error) => {
          if (!last || last.error?.message !== error.message) log?.error({ err: error, provider: name }, 'the KMS plugin is not well');
          last = { at: Date.now(), error };
        },
      )
      .finally(() => {
        asking = undefined;
      });
    return asking;
  }

  function schedule(): void {
    if (closed) return;
    timer = setTimeout(() => void probe().then(schedule), last?.error ? unwellMs : wellMs);
    timer.unref();
  }

  async function fetchSeed(envelope: Envelope): Promise<Transformer> {
    const { encryptedDEKSource, keyID, annotations, encryptedDEKSourceType } = envelope;
    const request = { ciphertext: encryptedDEKSource, uid: randomUUID(), key_id: keyID, annotations };
    const { plaintext } = await service.decrypt(request).catch((error: Error) => {
      throw new Error(`failed to decrypt DEK, error: ${error.message}`, { cause: error });
    });
    return encryptedDEKSourceType === derivedKeys ? aesGcmFromSeed(plaintext) : aesGcm(plaintext);
  }

  const transformer: Transformer = {
    decrypt(value, key) {
      const envelope = stored.decode(value) as unknown as Envelope;
      checkEnvelope(envelope);
      const id = nameOf(envelope);
      const read = async (by: Transformer): Promise<Plain> => {
        const plain = await by.decrypt(envelope.encryptedData, key);
        return { value: plain.value, stale: envelope.keyID !== current?.keyID || envelope.encryptedDEKSourceType !== derivedKeys };
      };
      const found = known.get(id);
      if (found && !(found instanceof Promise)) {
        const plain = found.decrypt(envelope.encryptedData, key) as Plain;
        return { value: plain.value, stale: envelope.keyID !== current?.keyID || envelope.encryptedDEKSourceType !== derivedKeys };
      }
      if (found) return found.then(read);
      // All values of one seed wait for one answer.
      const fetched = fetchSeed(envelope);
      remember(id, fetched);
      fetched.then(
        (one) => known.set(id, one),
        () => known.delete(id),
      );
      return fetched.then(read);
    },
    encrypt(value, key) {
      if (!current) throw new Error(`the KMS provider ${name} has no key yet${last?.error ? `: ${last.error.message}` : ''}`);
      const { keyID, encryptedDEKSource, annotations, writableUntil } = current;
      if (Date.now() > writableUntil) throw new Error(`encryptedDEKSource of the KMS provider ${name} expired at ${new Date(writableUntil).toISOString()}`);
      const encryptedData = current.transformer.encrypt(value, key);
      return stored.encode({ encryptedData, keyID, encryptedDEKSource, annotations, encryptedDEKSourceType: derivedKeys });
    },
  };

  await probe();
  schedule();
  return {
    transformer,
    async check() {
      const remembered = last && Date.now() - last.at < (last.error ? rememberUnwellMs : rememberWellMs);
      if (!remembered) await probe();
      if (last?.error) throw last.error;
    },
    close() {
      closed = true;
      clearTimeout(timer);
      service.close();
    },
  };
}
