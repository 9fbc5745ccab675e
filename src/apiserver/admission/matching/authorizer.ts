/** The value of `authorizer` in expressions: questions go to the server's own authorizer. */

import type { UserInfo } from '../../../api/kind.ts';
import { type CelAccess, type CelAnswer, CelAuthorizer } from '../../../apimachinery/cel/library/authorizer.ts';
import { allAuthenticated, serviceAccountGroups, serviceAccountUser } from '../../authentication/identities.ts';
import type { AdmissionAttributes, AuthorizationAttributes, Authorizer, Decision } from '../../contracts.ts';

const answerOf = ({ decision, reason, error }: Decision): CelAnswer => ({ allowed: decision === 'allow', reason, ...(error ? { error } : {}) });

function userOf({ serviceAccount }: CelAccess, user: UserInfo): UserInfo {
  if (!serviceAccount) return user;
  const { namespace, name } = serviceAccount;
  return { username: serviceAccountUser(namespace, name), groups: [...serviceAccountGroups(namespace), allAuthenticated] };
}

export function authorizerValue({ user, definition, subresource, namespace, name }: AdmissionAttributes, authorize: Authorizer): CelAuthorizer {
  const ask = (access: CelAccess): CelAnswer | Promise<CelAnswer> => {
    const { resource } = access;
    const attributes: AuthorizationAttributes = {
      user: userOf(access, user),
      verb: access.verb,
      isResourceRequest: resource !== undefined,
      group: resource?.group ?? '',
      version: resource ? '*' : '',
      resource: resource?.resource ?? '',
      subresource: resource?.subresource ?? '',
      namespace: resource?.namespace ?? '',
      name: resource?.name ?? '',
      path: access.path ?? '',
      ...(resource?.fieldSelector ? { fieldSelector: resource.fieldSelector } : {}),
      ...(resource?.labelSelector ? { labelSelector: resource.labelSelector } : {}),
    };
    const decision = authorize(attributes);
    return decision instanceof Promise ? decision.then(answerOf) : answerOf(decision);
  };
  return new CelAuthorizer(ask, { group: definition.group, resource: definition.plural, subresource, namespace, name });
}
