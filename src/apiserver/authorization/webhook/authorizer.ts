/** Asks a webhook, with a SubjectAccessReview, whether somebody may do something; remembers what it said. */
import type { Logger } from 'pino';
import type { SubjectAccessReview, SubjectAccessReviewStatus } from '../../../api/authorization/v1/types.gen.ts';
import type { CelProgram } from '../../../apimachinery/cel/program.ts';
import { expiringCache } from '../../configuration/expiring.ts';
import type { Webhook } from '../../configuration/webhook.ts';
import type { AuthorizationAttributes, Authorizer, Decision } from '../../contracts.ts';
import { matchConditionsHold } from './conditions.ts';
import { betaSpecOf, reviewSpecOf } from './review.ts';

export interface WebhookAuthorizerOptions {
  webhook: Webhook;
  version: string;
  /** 0: is not remembered. Milliseconds. */
  authorizedTtlMs: number;
  unauthorizedTtlMs: number;
  /** What follows when the webhook can't be asked. */
  onFailure: 'deny' | 'no-opinion';
  conditions: readonly CelProgram[];
  log?: Logger | undefined;
}

const cacheSize = 8192;
/** What a requester may make as long as they like is not kept beyond so many characters. */
const maxKeptLength = 10_000;

const isKept = ({ isResourceRequest, namespace, verb, group, version, resource, subresource, name, path }: AuthorizationAttributes): boolean =>
  (isResourceRequest
    ? namespace.length + verb.length + group.length + version.length + resource.length + subresource.length + name.length
    : path.length + verb.length) < maxKeptLength;

function decisionOf({ allowed, denied, reason = '' }: Partial<SubjectAccessReviewStatus>): Decision {
  if (denied && allowed) return { decision: 'deny', reason, error: 'webhook subject access review returned both allow and deny response' };
  return { decision: denied ? 'deny' : allowed ? 'allow' : 'no-opinion', reason };
}

export function createWebhookAuthorizer(options: WebhookAuthorizerOptions): Authorizer {
  const { webhook, version, authorizedTtlMs, unauthorizedTtlMs, onFailure, conditions, log } = options;
  const answers = expiringCache<Partial<SubjectAccessReviewStatus>>(cacheSize);
  /** Who asks the same at the same time waits for one answer. */
  const asked = new Map<string, Promise<Partial<SubjectAccessReviewStatus>>>();
  const noOpinion: Decision = { decision: 'no-opinion', reason: '' };
  const failed = (error: unknown): Decision => ({ decision: onFailure, reason: '', error: (error as Error).message });

  async function ask(spec: SubjectAccessReview['spec']): Promise<Partial<SubjectAccessReviewStatus>> {
    const review = {
      kind: 'SubjectAccessReview',
      apiVersion: `authorization.k8s.io/${version}`,
      metadata: {},
      spec: version === 'v1beta1' ? betaSpecOf(spec) : spec,
      status: { allowed: false },
    };
    const answer = (await webhook.post(review)) as Partial<SubjectAccessReview> | null;
    if (answer?.kind !== 'SubjectAccessReview' || !answer.apiVersion?.startsWith('authorization.k8s.io/')) {
      throw new Error(`expected webhook response of SubjectAccessReview, got ${answer?.apiVersion ?? ''}, Kind=${answer?.kind ?? ''}`);
    }
    return answer.status ?? {};
  }

  return (attributes) => {
    const spec = reviewSpecOf(attributes);
    try {
      if (conditions.length > 0 && !matchConditionsHold(conditions, spec)) return noOpinion;
    } catch (error) {
      return failed(error);
    }
    const key = JSON.stringify(spec);
    const known = answers.get(key);
    if (known) return decisionOf(known);
    let pending = asked.get(key);
    if (!pending) {
      pending = ask(spec).finally(() => asked.delete(key));
      asked.set(key, pending);
    }
    return pending.then(
      (status) => {
        if (isKept(attributes)) answers.set(key, status, status.allowed ? authorizedTtlMs : unauthorizedTtlMs);
        return decisionOf(status);
      },
      (error: Error) => {
        log?.error({ err: error }, 'an authorization webhook could not be asked');
        return failed(error);
      },
    );
  };
}
