/**
 * `legacy-serviceaccount-token-cleaner-controller`: Secrets with tokens that were made by themselves in older versions and that nobody
 * uses any more are first marked invalid, then removed (KEP-2799).
 */
import { configmaps } from '../../api/core/v1/configmap.ts';
import { podSecretNames } from '../../api/core/v1/pod/references.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import { secrets as secretKind } from '../../api/core/v1/secret.ts';
import { serviceaccounts } from '../../api/core/v1/serviceaccount.ts';
import type { Secret } from '../../api/core/v1/types.gen.ts';
import { isConflict, isNotFound } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { defineController } from '../controller.ts';
import { tokenSecretType } from './token.ts';

const lastUsed = 'kubernetes.io/legacy-token-last-used';
const invalidSince = 'kubernetes.io/legacy-token-invalid-since';
const day = 24 * 60 * 60 * 1000;
const unusedFor = 365 * day;
const everyMs = day;

const dateOf = (time: number): string => new Date(time).toISOString().slice(0, 10);
const isDate = (text: string | undefined): text is string => /^\d{4}-\d{2}-\d{2}$/.test(text ?? '') && !Number.isNaN(Date.parse(text ?? ''));

/** Not used since `before` (milliseconds), as far as anybody can tell; a use that was noted in another form is a use. */
function isUnused({ metadata }: Secret, before: number): boolean {
  if (metadata.deletionTimestamp || !(Date.parse(metadata.creationTimestamp ?? '') < before)) return false;
  const used = metadata.labels?.[lastUsed];
  return used === undefined || (isDate(used) && used < dateOf(before));
}

export const legacyTokenCleanerController = defineController({
  name: 'legacy-serviceaccount-token-cleaner-controller',
  identity: 'legacy-service-account-token-cleaner',
  concurrency: 1,
  setup({ client, informers, log, now }, enqueue) {
    const secrets = informers.informer(secretKind, { fieldSelector: `type=${tokenSecretType}` });
    const accounts = informers.informer(serviceaccounts);
    const pods = informers.informer(podKind);
    const resource = client.resource(secretKind);
    const maps = client.resource(configmaps);
    enqueue('all');

    /** Since when the server notes the use of tokens; before a year of that nothing can be said. */
    async function trackedSince(): Promise<number | undefined> {
      const map = await maps.get('kube-system', 'kube-apiserver-legacy-service-account-token-tracking').catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      const since = map?.data?.['since'];
      // From the first whole day on.
      return isDate(since) ? Date.parse(since) + day : undefined;
    }

    /** Made by itself: the service account refers to it. */
    function isAutomatic({ metadata }: Secret): boolean {
      const { 'kubernetes.io/service-account.name': name = '', 'kubernetes.io/service-account.uid': uid } = metadata.annotations ?? {};
      const account = accounts.get(metadata.namespace ?? '', name);
      return (!uid || account?.metadata.uid === uid) && (account?.secrets ?? []).some((one) => one.name === metadata.name);
    }
    const isInUse = ({ metadata }: Secret): boolean => pods.list(metadata.namespace).some((pod) => podSecretNames(pod).has(metadata.name));

    async function clean({ metadata }: Secret, time: number): Promise<void> {
      const { labels = {}, namespace = '', name, uid, resourceVersion } = metadata;
      const invalid = labels[invalidSince];
      if (!isDate(invalid)) await resource.patch(namespace, name, 'merge', { metadata: { uid, labels: { [invalidSince]: dateOf(time) } } });
      else if (invalid < dateOf(time - unusedFor)) await resource.delete(namespace, name, { preconditions: { uid, resourceVersion } });
    }

    return {
      async reconcile() {
        const time = now().getTime();
        const since = await trackedSince();
        if (since === undefined || time - since < unusedFor) return { requeueAfterMs: everyMs };
        for (const secret of secrets.list().sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
          if (!isUnused(secret, time - unusedFor) || !isAutomatic(secret) || isInUse(secret)) continue;
          await clean(secret, time).catch((error: unknown) => {
            // Somebody uses it just now, or it is gone; of others, the next day is early enough.
            if (!isConflict(error) && !isNotFound(error)) log.error({ err: error, secret: keyOf(secret) }, 'a token could not be cleaned up');
          });
        }
        return { requeueAfterMs: everyMs };
      },
    };
  },
});
