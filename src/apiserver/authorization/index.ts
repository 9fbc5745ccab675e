/** Everything that has to do with what somebody may do, composed: the configured chain behind `system:masters`, and the access reviews. */
import type { Logger } from 'pino';
import type { Authorizer, CustomHandler, ObjectReader } from '../contracts.ts';
import type { AuthorizationConfiguration } from './configuration.ts';
import { createChain } from './configured.ts';
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
  /** Ends what watches files and holds connections. */
  close(): void;
}

export interface AuthorizationOptions {
  reader: ObjectReader;
  /** `--authorization-config`. */
  file?: string;
  /** What stands in place of a file. Default: Node, RBAC. */
  configuration?: AuthorizationConfiguration;
  log?: Logger | undefined;
}

/** @throws {ConfigurationError} */
export async function createAuthorizer({ reader, file, configuration, log }: AuthorizationOptions): Promise<Authorization> {
  const rbac = createRbac(reader);
  const graph = createNodeGraph(reader);
  const chain = await createChain({
    node: createNodeAuthorizer(graph),
    rbac,
    log,
    ...(file === undefined ? {} : { file }),
    ...(configuration ? { configuration } : {}),
  });
  return {
    authorize: chain.authorize,
    handlers: authorizationHandlers(chain.authorize, chain.rulesFor),
    guardEscalation: createEscalationGuard(rbac, chain.authorize),
    ready: Promise.all([rbac.ready, graph.ready]).then(() => undefined),
    close: chain.close,
  };
}
