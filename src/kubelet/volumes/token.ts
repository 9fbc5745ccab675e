/** Service account tokens for pods, by TokenRequest, bound to the pod and made anew before they expire. */

import type { TokenRequest } from '../../api/authentication/v1/types.gen.ts';
import { serviceaccounts } from '../../api/core/v1/serviceaccount.ts';
import type { Pod, ServiceAccountTokenProjection } from '../../api/core/v1/types.gen.ts';
import type { KubeletContext } from '../context.ts';

export interface PodToken {
  token: string;
  /** Epoch milliseconds. */
  refreshAt: number;
  expiresAt: number;
}

const maxAgeMs = 24 * 3600 * 1000;
const tokens = new WeakMap<KubeletContext, Map<string, PodToken>>();

/** At 80 % of its life, or after a day, whichever is sooner. */
function refreshTime(now: number, expiry: number): number {
  return Math.min(now + (expiry - now) * 0.8, now + maxAgeMs);
}

export async function tokenFor(
  context: KubeletContext,
  pod: Pod,
  { audience, expirationSeconds = 3600 }: Pick<ServiceAccountTokenProjection, 'audience' | 'expirationSeconds'>,
): Promise<PodToken> {
  let mine = tokens.get(context);
  if (!mine) {
    mine = new Map();
    tokens.set(context, mine);
  }
  const { name, namespace = '', uid = '' } = pod.metadata;
  const account = pod.spec.serviceAccountName || 'default';
  const key = `${uid}/${account}/${audience ?? ''}/${expirationSeconds}`;
  const now = context.now().getTime();
  const known = mine.get(key);
  if (known && known.refreshAt > now) return known;
  const answer = await context.client.resource(serviceaccounts).subresource<TokenRequest>('POST', namespace, account, 'token', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { name: '' },
    spec: { audiences: audience ? [audience] : [], expirationSeconds, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } },
  });
  const token = answer.status?.token ?? '';
  if (!token) throw new Error(`failed to fetch token: the server sent no token for service account ${namespace}/${account}`);
  const expiresAt = Date.parse(answer.status?.expirationTimestamp ?? '') || now + expirationSeconds * 1000;
  const made = { token, refreshAt: refreshTime(now, expiresAt), expiresAt };
  mine.set(key, made);
  return made;
}

export function forgetTokens(context: KubeletContext, uid: string): void {
  const mine = tokens.get(context);
  for (const key of mine?.keys() ?? []) if (key.startsWith(`${uid}/`)) mine?.delete(key);
}
