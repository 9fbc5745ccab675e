/**
 * `legacy-serviceaccount-token-cleaner-controller`: Secrets with tokens that were made by themselves in older versions and that nobody
 * uses any more are first marked invalid, then removed (KEP-2799).
 */
import { configmaps } from '../../api/core/v1/configmap.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import { secrets as secretKind } from '../../api/core/v1/secret.ts';
import { serviceaccounts } from '../../api/core/v1/serviceaccount.ts';
import type { Secret } from '../../api/core/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { defineController } from '../controller.ts';
import { tokenSecretType } from './token.ts';

const lastUsed = 'kubernetes.io/legacy-token-last-used';
const invalidSince = 'kubernetes.io/legacy-token-invalid-since';
const day = 24 * 60 * 60 * 1000;
const unusedFor = 365 * day;
const everyMs = day;

const dateOf = (date: Date): string => date.toISOString().slice(0, 10);

export const legacyTokenCleanerController = defineController({
  name: 'legacy-serviceaccount-token-cleaner-controller',
  identity: 'legacy-service-account-token-cleaner',
  concurrency: 1,
  setup({ client, informers, now }, enqueue) {
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
      const since = Date.parse(map?.data?.['since'] ?? '');
      return Number.isNaN(since) ? undefined : since;
    }

    /** Made by itself: the service account refers to it. */
    const isAutomatic = ({ metadata }: Secret): boolean => {
      const account = accounts.get(metadata.namespace ?? '', metadata.annotations?.['kubernetes.io/service-account.name'] ?? '');
      return (account?.secrets ?? []).some(({ name }) => name === metadata.name);
    };
    const isMounted = ({ metadata }: Secret): boolean =>
      pods.list(metadata.namespace).some(({ spec }) => (spec.volumes ?? []).some(({ secret }) => secret?.secretName === metadata.name));

    async function clean(secret: Secret, time: number): Promise<void> {
      const { labels = {}, namespace = '', name } = secret.metadata;
      const used = Date.parse(labels[lastUsed] ?? '') || Date.parse(secret.metadata.creationTimestamp ?? '');
      if (time - used < unusedFor) return;
      const invalid = labels[invalidSince];
      if (!invalid) {
        await resource.patch(namespace, name, 'merge', { metadata: { uid: secret.metadata.uid, labels: { [invalidSince]: dateOf(new Date(time)) } } });
      } else if (time - Date.parse(invalid) >= unusedFor) {
        await resource.delete(namespace, name, { preconditions: { uid: secret.metadata.uid, resourceVersion: secret.metadata.resourceVersion } });
      }
    }

    return {
      async reconcile() {
        const time = now().getTime();
        const since = await trackedSince();
        if (since === undefined || time - since < unusedFor) return { requeueAfterMs: everyMs };
        for (const secret of secrets.list().sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
          if (isAutomatic(secret) && !isMounted(secret)) await clean(secret, time);
        }
        return { requeueAfterMs: everyMs };
      },
    };
  },
});
