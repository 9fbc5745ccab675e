/** Several authorizers as one, and the two that need no objects. */
import { systemMasters } from '../authentication/identities.ts';
import type { Authorizer, Decision } from '../contracts.ts';

const noOpinion: Decision = { decision: 'no-opinion', reason: '' };

/** The first that allows or denies decides; the reasons of the others are kept for the denial. */
export function createAuthorizerChain(authorizers: readonly Authorizer[]): Authorizer {
  return (attributes) => {
    const reasons: string[] = [];
    const errors: string[] = [];
    const note = ({ decision, reason, error }: Decision): boolean => {
      if (error) errors.push(error);
      if (reason !== '') reasons.push(reason);
      return decision !== 'no-opinion';
    };
    const undecided = (): Decision => ({
      decision: 'no-opinion',
      reason: reasons.join('\n'),
      ...(errors.length > 0 ? { error: errors.length === 1 ? errors[0] : `[${errors.join(', ')}]` } : {}),
    });
    // Most decisions are synchronous: no promise is made for them.
    const ask = (from: number): Decision | Promise<Decision> => {
      for (let index = from; index < authorizers.length; index++) {
        const answer = authorizers[index]?.(attributes) ?? noOpinion;
        if (answer instanceof Promise) return answer.then((decision) => (note(decision) ? decision : ask(index + 1)));
        if (note(answer)) return answer;
      }
      return undecided();
    };
    return ask(0);
  };
}

/** Lets members of `system:masters` do everything. */
export const authorizePrivilegedGroup: Authorizer = ({ user }) => (user.groups.includes(systemMasters) ? { decision: 'allow', reason: '' } : noOpinion);

/** Lets everybody reach some non-resource paths; a path may end in `*`. */
export function authorizePaths(paths: readonly string[]): Authorizer {
  const exact = new Set(paths.filter((path) => !path.endsWith('*')).map((path) => path.replace(/^\//, '')));
  const prefixes = paths.filter((path) => path.endsWith('*')).map((path) => path.replace(/^\//, '').slice(0, -1));
  return ({ isResourceRequest, path }) => {
    if (isResourceRequest) return noOpinion;
    const stripped = path.replace(/^\//, '');
    return exact.has(stripped) || prefixes.some((prefix) => stripped.startsWith(prefix)) ? { decision: 'allow', reason: '' } : noOpinion;
  };
}

/** Paths that need no permission, as upstream's `--authorization-always-allow-paths` defaults to for the API server. */
export const alwaysAllowedPaths: readonly string[] = ['/healthz', '/readyz', '/livez'];
