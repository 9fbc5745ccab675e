/** Conversion between versions of a custom resource by a webhook. Source of the rules: KEP-598, apiextensions `apiserver/conversion`. */
import { randomUUID } from 'node:crypto';
import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.gen.ts';
import { StatusError } from '../../apimachinery/errors.ts';
import { apiVersionOf } from '../../apimachinery/meta.ts';
import type { WebhookTransport } from '../admission/webhook/call.ts';
import { parseCached } from '../cacher/bytes.ts';
import type { CacheEntry, StoredObject } from '../cacher/resource-cache.ts';
import type { RemoteConversion } from '../registry.ts';

const timeoutSeconds = 30;

interface ConversionReview {
  response?: { uid?: string; convertedObjects?: StoredObject[]; result?: { status?: string; message?: string } };
}

/** All that is served of one definition converts through one of these. */
export function createConverter(transport: WebhookTransport, crd: CustomResourceDefinition) {
  const { spec } = crd;
  const { clientConfig = {}, conversionReviewVersions = [] } = spec.conversion?.webhook ?? {};
  const reviewVersion = conversionReviewVersions.find((version) => version === 'v1' || version === 'v1beta1') ?? 'v1';

  function failure(apiVersion: string, why: string): StatusError {
    return new StatusError(500, '', `conversion webhook for ${apiVersion}, Kind=${spec.names.kind} failed: ${why}`);
  }

  async function convert(objects: readonly StoredObject[], to: string): Promise<StoredObject[]> {
    const [first] = objects;
    if (!first) return [];
    const from = first.apiVersion ?? '';
    const uid = randomUUID();
    const review = { kind: 'ConversionReview', apiVersion: `apiextensions.k8s.io/${reviewVersion}`, request: { uid, desiredAPIVersion: to, objects } };
    let answer: ConversionReview;
    try {
      answer = (await transport.post(clientConfig, review, timeoutSeconds)) as ConversionReview;
    } catch (error) {
      throw failure(from, error instanceof Error ? error.message : String(error));
    }
    const { response } = answer;
    if (!response) throw failure(from, 'invalid response: no response');
    if (response.result?.status !== 'Success') throw failure(from, response.result?.message || 'invalid response: no success');
    const converted = response.convertedObjects ?? [];
    if (converted.length !== objects.length) throw failure(from, `webhook returned ${converted.length} objects, expected ${objects.length}`);
    return converted.map((object, index) => accepted(objects[index] as StoredObject, object, to));
  }

  /** A webhook may change labels and annotations of the metadata, and nothing else of it. */
  function accepted(original: StoredObject, object: StoredObject, to: string): StoredObject {
    if (object.apiVersion !== to) throw failure(original.apiVersion ?? '', `invalid converted object: expected apiVersion ${to}, got ${object.apiVersion}`);
    if (object.kind !== original.kind) throw failure(original.apiVersion ?? '', `invalid converted object: expected kind ${original.kind}, got ${object.kind}`);
    const { labels, annotations } = object.metadata ?? {};
    const { labels: _labels, annotations: _annotations, ...rest } = original.metadata;
    return { ...object, metadata: { ...rest, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) } };
  }

  /** To and from one served version; `finish` makes what comes from the webhook fit the version's schema. */
  return function remoteConversion(version: string, storageVersion: string, finish: (object: StoredObject) => StoredObject): RemoteConversion {
    const apiVersion = apiVersionOf(spec.group, version);
    const storedAs = apiVersionOf(spec.group, storageVersion);
    const ready = new WeakMap<CacheEntry, StoredObject>();
    const stored = (entry: CacheEntry): StoredObject => ({ ...parseCached(entry.json, undefined), apiVersion: entry.apiVersion, kind: spec.names.kind });
    return {
      async prepare(entries) {
        const byVersion = Map.groupBy(
          entries.filter((entry) => !ready.has(entry)),
          (entry) => entry.apiVersion,
        );
        for (const [from, members] of byVersion) {
          const objects = members.map(stored);
          const converted = from === apiVersion ? objects : await convert(objects, apiVersion);
          for (const [index, entry] of members.entries()) ready.set(entry, finish(converted[index] as StoredObject));
        }
      },
      served: (entry) => ready.get(entry),
      async toStored(object) {
        if (apiVersion === storedAs) return object;
        const [converted] = await convert([object], storedAs);
        return converted as StoredObject;
      },
    };
  };
}
