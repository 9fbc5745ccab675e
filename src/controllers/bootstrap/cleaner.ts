/** `token-cleaner-controller`: removes bootstrap tokens that have expired. */
import { secrets as secretKind } from '../../api/core/v1/secret.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { defineController, enqueueSelf } from '../controller.ts';
import { expiryOf, tokenType } from './tokens.ts';

export const tokenCleanerController = defineController({
  name: 'token-cleaner-controller',
  identity: 'token-cleaner',
  concurrency: 1,
  setup({ client, informers, now }, enqueue) {
    const tokens = informers.informer(secretKind, { namespace: 'kube-system', fieldSelector: `type=${tokenType}` });
    const resource = client.resource(secretKind);
    enqueueSelf(tokens, enqueue, keyOf);
    return {
      async reconcile(key) {
        const secret = tokens.getByKey(key);
        if (!secret || secret.type !== tokenType) return;
        const leftMs = expiryOf(secret) - now().getTime();
        if (leftMs > 0) return leftMs === Number.POSITIVE_INFINITY ? undefined : { requeueAfterMs: leftMs };
        const { namespace = '', name, uid } = secret.metadata;
        await resource.delete(namespace, name, uid ? { preconditions: { uid } } : {}).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      },
    };
  },
});
