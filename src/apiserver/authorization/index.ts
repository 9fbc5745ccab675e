/** Everything that has to do with what somebody may do, composed: Node and RBAC behind `system:masters`, and the access reviews. */
import type { Authorizer, CustomHandler, ObjectReader } from '../contracts.ts';
import { alwaysAllowedPaths, authorizePaths, authorizePrivilegedGroup, createAuthorizerChain } from './chain.ts';
import { createEscalationGuard, type GuardedWrite } from './escalation.ts';
import { createNodeAuthorizer } from './node/authorizer.ts';
import { createNodeGraph } from './node/graph.ts';
import { createRbac } from './rbac.ts';
import { authorizationHandlers } from './reviews.ts';

export { authorizeOrForbid, forbiddenRequest } from './forbidden.ts';

export interface Authorization {
  authorize: Authorizer;
  /** SubjectAccessReview and its kin. */
  handlers: CustomHandler[];
  /** Run by admission before a role or binding is written: nobody grants more than they hold. */
  guardEscalation(write: GuardedWrite): Promise<void>;
  /** What existed at the start is indexed. Questions before that wait for it. */
  ready: Promise<void>;
}

export function createAuthorizer({ reader }: { reader: ObjectReader }): Authorization {
  const rbac = createRbac(reader);
  const graph = createNodeGraph(reader);
  const authorize = createAuthorizerChain([authorizePrivilegedGroup, authorizePaths(alwaysAllowedPaths), createNodeAuthorizer(graph), rbac.authorizer]);
  return {
    authorize,
    handlers: authorizationHandlers(authorize, rbac),
    guardEscalation: createEscalationGuard(rbac, authorize),
    ready: Promise.all([rbac.ready, graph.ready]).then(() => undefined),
  };
}
