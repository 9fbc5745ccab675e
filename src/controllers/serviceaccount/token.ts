/** `serviceaccount-token-controller`: fills Secrets of type `kubernetes.io/service-account-token` that somebody made for a service account. */
import { secrets as secretKind } from '../../api/core/v1/secret.ts';
import { serviceaccounts } from '../../api/core/v1/serviceaccount.ts';
import type { Secret, ServiceAccount } from '../../api/core/v1/types.gen.ts';
import { isConflict, isNotFound } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { createTokenSigner } from '../../apimachinery/tokenkeys.ts';
import { settingsOf } from '../common/settings.ts';
import { defineController, managerIdentity } from '../controller.ts';

export const tokenSecretType = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const uidAnnotation = 'kubernetes.io/service-account.uid';
const claimPrefix = 'kubernetes.io/serviceaccount';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** What a token says whose life is that of its Secret. */
const claimsOf = ({ metadata: account }: ServiceAccount, { metadata: secret }: Secret): Record<string, unknown> => ({
  iss: 'kubernetes/serviceaccount',
  [`${claimPrefix}/namespace`]: account.namespace,
  [`${claimPrefix}/secret.name`]: secret.name,
  [`${claimPrefix}/service-account.name`]: account.name,
  [`${claimPrefix}/service-account.uid`]: account.uid,
  sub: `system:serviceaccount:${account.namespace}:${account.name}`,
});

export const serviceAccountTokenController = defineController({
  name: 'serviceaccount-token-controller',
  identity: managerIdentity,
  setup(context, enqueue) {
    const { client, informers } = context;
    const { serviceAccountSigningKey, rootCa } = settingsOf(context);
    if (!serviceAccountSigningKey) return { reconcile: async () => {} };
    const signToken = createTokenSigner(serviceAccountSigningKey);
    const secrets = informers.informer(secretKind, { fieldSelector: `type=${tokenSecretType}` });
    const accounts = informers.informer(serviceaccounts);
    const resource = client.resource(secretKind);
    const accountResource = client.resource(serviceaccounts);
    secrets.addHandlers({
      added: (secret) => enqueue(keyOf(secret)),
      updated: (secret) => enqueue(keyOf(secret)),
      deleted: (secret) => enqueue(keyOf(secret)),
    });
    const enqueueOf = ({ metadata }: ServiceAccount): void => {
      for (const secret of secrets.list(metadata.namespace)) if (secret.metadata.annotations?.[nameAnnotation] === metadata.name) enqueue(keyOf(secret));
    };
    accounts.addHandlers({ added: enqueueOf, deleted: enqueueOf });

    async function accountOf(secret: Secret): Promise<ServiceAccount | undefined> {
      const { namespace = '', annotations = {} } = secret.metadata;
      const name = annotations[nameAnnotation] ?? '';
      const uid = annotations[uidAnnotation];
      const fits = (account: ServiceAccount | undefined): boolean => account !== undefined && (!uid || account.metadata.uid === uid);
      const seen = accounts.get(namespace, name);
      if (fits(seen)) return seen;
      // A Secret is given up only when the server says so too.
      const current = await accountResource.get(namespace, name).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      return fits(current) ? current : undefined;
    }

    return {
      async reconcile(key) {
        const secret = secrets.getByKey(key);
        if (!secret || secret.type !== tokenSecretType || secret.metadata.deletionTimestamp) return;
        const { namespace = '', name, uid } = secret.metadata;
        const account = await accountOf(secret);
        if (!account) {
          await resource.delete(namespace, name, uid ? { preconditions: { uid } } : {}).catch((error: unknown) => {
            if (!isNotFound(error) && !isConflict(error)) throw error;
          });
          return;
        }
        const data = secret.data ?? {};
        const wanted = {
          ...data,
          ...(rootCa ? { 'ca.crt': base64(rootCa) } : {}),
          namespace: data['namespace'] || base64(namespace),
          token: data['token'] || base64(signToken(claimsOf(account, secret))),
        };
        if (wanted['ca.crt'] === data['ca.crt'] && wanted.namespace === data['namespace'] && wanted.token === data['token']) return;
        const annotations = { ...secret.metadata.annotations, [nameAnnotation]: account.metadata.name, [uidAnnotation]: account.metadata.uid ?? '' };
        await resource.update({ ...secret, metadata: { ...secret.metadata, annotations }, data: wanted });
      },
    };
  },
});
