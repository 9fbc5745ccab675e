/** `bootstrap-signer-controller`: signs `cluster-info` with every token, so that who has a token can tell that it is the cluster's. */
import { createHmac } from 'node:crypto';
import { configmaps } from '../../api/core/v1/configmap.ts';
import { secrets as secretKind } from '../../api/core/v1/secret.ts';
import { semanticEqual } from '../../apimachinery/equality.ts';
import { defineController } from '../controller.ts';
import { expiryOf, signingToken, tokenType } from './tokens.ts';

const prefix = 'jws-kubeconfig-';
const encode = (text: string): string => Buffer.from(text).toString('base64url');

/** A JSON web signature (HS256) without the content that it is about (RFC 7515, appendix F). */
export function detachedSignature(content: string, id: string, secret: string): string {
  const header = encode(JSON.stringify({ alg: 'HS256', kid: id }));
  const signature = createHmac('sha256', secret)
    .update(`${header}.${encode(content)}`)
    .digest('base64url');
  return `${header}..${signature}`;
}

export const bootstrapSignerController = defineController({
  name: 'bootstrap-signer-controller',
  identity: 'bootstrap-signer',
  concurrency: 1,
  setup({ client, informers, now }, enqueue) {
    const infos = informers.informer(configmaps, { namespace: 'kube-public', fieldSelector: 'metadata.name=cluster-info' });
    const tokens = informers.informer(secretKind, { namespace: 'kube-system', fieldSelector: `type=${tokenType}` });
    const resource = client.resource(configmaps);
    const sign = (): void => enqueue('cluster-info');
    infos.addHandlers({ added: sign, updated: sign });
    tokens.addHandlers({ added: sign, updated: sign, deleted: sign });
    return {
      async reconcile() {
        const info = infos.get('kube-public', 'cluster-info');
        const content = info?.data?.['kubeconfig'];
        if (!info || content === undefined) return;
        const time = now().getTime();
        const data = Object.fromEntries(Object.entries(info.data ?? {}).filter(([key]) => !key.startsWith(prefix)));
        let soonest = Number.POSITIVE_INFINITY;
        for (const secret of tokens.list()) {
          const token = signingToken(secret, time);
          if (!token) continue;
          data[prefix + token.id] = detachedSignature(content, token.id, token.value);
          soonest = Math.min(soonest, expiryOf(secret));
        }
        if (!semanticEqual(data, info.data)) await resource.update({ ...info, data });
        return soonest === Number.POSITIVE_INFINITY ? undefined : { requeueAfterMs: soonest - time };
      },
    };
  },
});
