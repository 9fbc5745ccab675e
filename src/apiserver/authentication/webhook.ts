/** Asks a webhook, with a TokenReview, whose token it is; remembers what it said. */
import { createHash } from 'node:crypto';
import type { TokenReview } from '../../api/authentication/v1/types.gen.ts';
import { expiringCache } from '../configuration/expiring.ts';
import type { Webhook } from '../configuration/webhook.ts';
import type { TokenAuthenticator, TokenIdentity } from './token.ts';

export interface TokenWebhookOptions {
  webhook: Webhook;
  /** `v1` or `v1beta1`. */
  version: string;
  /** What a token is good for of which the webhook does not say. */
  apiAudiences: readonly string[];
  cacheTtlMs: number;
}

const cacheSize = 32_768;

type Answer = { identity: TokenIdentity } | { error: string } | 'unknown';

export function createTokenWebhook({ webhook, version, apiAudiences, cacheTtlMs }: TokenWebhookOptions): TokenAuthenticator {
  const answers = expiringCache<Answer>(cacheSize);
  const asked = new Map<string, Promise<Answer>>();

  async function ask(token: string, audiences: readonly string[]): Promise<Answer> {
    const apiVersion = `authentication.k8s.io/${version}`;
    const review = { kind: 'TokenReview', apiVersion, metadata: {}, spec: { token, audiences }, status: { user: {} } };
    const answer = (await webhook.post(review)) as Partial<TokenReview> | null;
    if (answer?.kind !== 'TokenReview' || !answer.apiVersion?.startsWith('authentication.k8s.io/')) {
      throw new Error(`expected webhook response of TokenReview, got ${answer?.apiVersion ?? ''}, Kind=${answer?.kind ?? ''}`);
    }
    const { authenticated, error, user = {}, audiences: named } = answer.status ?? {};
    const good = (named?.length ? named : apiAudiences).filter((audience) => audiences.includes(audience));
    if (good.length === 0 && audiences.length > 0) return 'unknown';
    if (!authenticated) return error ? { error } : 'unknown';
    const { username = '', uid, groups = [], extra } = user;
    return { identity: { user: { username, ...(uid ? { uid } : {}), groups, ...(extra && Object.keys(extra).length > 0 ? { extra } : {}) }, audiences: good } };
  }

  return async (token, audiences) => {
    const key = createHash('sha256')
      .update(JSON.stringify([token, audiences]))
      .digest('base64');
    let answer = answers.get(key);
    if (!answer) {
      let pending = asked.get(key);
      if (!pending) {
        pending = ask(token, audiences).finally(() => asked.delete(key));
        asked.set(key, pending);
      }
      // A webhook that can't be asked is asked again by the next request.
      answer = await pending;
      answers.set(key, answer, cacheTtlMs);
    }
    if (answer === 'unknown') return undefined;
    if ('error' in answer) throw new Error(answer.error);
    return answer.identity;
  };
}
