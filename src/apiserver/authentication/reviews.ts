/** TokenReview and SelfSubjectReview: asking the server what it makes of a token, and of oneself. */
import type { UserInfo as ReviewedUser, SelfSubjectReview, TokenReview } from '../../api/authentication/v1/types.gen.ts';
import type { UserInfo } from '../../api/kind.ts';
import { badRequest, internalError } from '../../apimachinery/errors.ts';
import { timeOf } from '../../apimachinery/meta.ts';
import type { CustomHandler, CustomRequest } from '../contracts.ts';
import type { TokenAuthenticator, TokenIdentity } from './token.ts';

const reviewed = ({ username, uid, groups, extra }: UserInfo): ReviewedUser => ({
  username,
  ...(uid ? { uid } : {}),
  groups,
  ...(extra && Object.keys(extra).length > 0 ? { extra } : {}),
});

/** Answers with the user, or with `status.error`; a token that nobody knows is simply not authenticated. */
export async function reviewToken(review: TokenReview, tokens: TokenAuthenticator, apiAudiences: readonly string[]): Promise<TokenReview> {
  if (!review.spec.token) throw badRequest('token is required for TokenReview in authentication');
  const audiences = review.spec.audiences?.length ? review.spec.audiences : apiAudiences;
  let identity: TokenIdentity | undefined;
  let error: string | undefined;
  try {
    identity = await tokens(review.spec.token, audiences);
    if (!identity) error = 'invalid bearer token';
  } catch (cause) {
    error = cause instanceof Error ? cause.message : String(cause);
  }
  if (!identity) return { ...review, status: { user: {}, ...(error ? { error } : {}) } };
  if (audiences.length > 0 && !identity.audiences?.length) throw internalError(new Error('error validating audiences'));
  return { ...review, status: { authenticated: true, user: reviewed(identity.user), audiences: [...(identity.audiences ?? [])] } };
}

export const reviewSelf = ({ user, now }: Pick<CustomRequest, 'user' | 'now'>): SelfSubjectReview => ({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'SelfSubjectReview',
  metadata: { creationTimestamp: timeOf(now) } as SelfSubjectReview['metadata'],
  status: { userInfo: reviewed(user) },
});

export function authenticationHandlers(tokens: TokenAuthenticator, apiAudiences: readonly string[]): CustomHandler[] {
  const of = { group: 'authentication.k8s.io', version: 'v1', subresource: '', verb: 'create' };
  return [
    { ...of, resource: 'tokenreviews', handle: ({ body }) => reviewToken(body, tokens, apiAudiences) },
    { ...of, resource: 'selfsubjectreviews', handle: async (request) => reviewSelf(request) },
  ];
}
