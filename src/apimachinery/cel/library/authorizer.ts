/** `authorizer`: what the user who asks, or a service account, may do. Checks are asked of whatever the value was made with. */
import { validateDnsLabel, validateDnsSubdomain } from '../../names.ts';
import { define, type Library } from './register.ts';

/** One question. */
export interface CelAccess {
  /** Absent: whoever sent the request. */
  serviceAccount?: { namespace: string; name: string };
  verb: string;
  path?: string;
  resource?: { group: string; resource: string; subresource: string; namespace: string; name: string; fieldSelector?: string; labelSelector?: string };
}

export interface CelAnswer {
  allowed: boolean;
  reason: string;
  error?: string;
}

export type CelAsk = (access: CelAccess) => CelAnswer | Promise<CelAnswer>;
type ResourceAccess = NonNullable<CelAccess['resource']>;

class ResourceCheck {
  readonly ask: CelAsk;
  readonly subject: Pick<CelAccess, 'serviceAccount'>;
  readonly resource: ResourceAccess;

  constructor(ask: CelAsk, subject: Pick<CelAccess, 'serviceAccount'>, resource: ResourceAccess) {
    this.ask = ask;
    this.subject = subject;
    this.resource = resource;
  }

  with(change: Partial<ResourceAccess>): ResourceCheck {
    return new ResourceCheck(this.ask, this.subject, { ...this.resource, ...change });
  }
}

class GroupCheck {
  readonly authorizer: CelAuthorizer;
  readonly group: string;

  constructor(authorizer: CelAuthorizer, group: string) {
    this.authorizer = authorizer;
    this.group = group;
  }
}

class PathCheck {
  readonly authorizer: CelAuthorizer;
  readonly path: string;

  constructor(authorizer: CelAuthorizer, path: string) {
    this.authorizer = authorizer;
    this.path = path;
  }
}

class Decision {
  readonly answer: CelAnswer;

  constructor(answer: CelAnswer) {
    this.answer = answer;
  }
}

/** The value of the variable. */
export class CelAuthorizer {
  readonly ask: CelAsk;
  readonly subject: Pick<CelAccess, 'serviceAccount'>;
  /** `authorizer.requestResource`: a check of what the request itself is about. */
  readonly requestResource: ResourceCheck | undefined;

  constructor(ask: CelAsk, request?: ResourceAccess, subject: Pick<CelAccess, 'serviceAccount'> = {}) {
    this.ask = ask;
    this.subject = subject;
    this.requestResource = request && new ResourceCheck(ask, subject, request);
  }
}

const decisionOf = (answer: CelAnswer | Promise<CelAnswer>): Decision | Promise<Decision> =>
  answer instanceof Promise ? answer.then((one) => new Decision(one)) : new Decision(answer);

function required(value: string, what: string): string {
  if (value.trim() === '') throw new Error(`${what} must not be empty`);
  return value;
}

function serviceAccount(authorizer: CelAuthorizer, namespace: string, name: string): CelAuthorizer {
  if (validateDnsSubdomain(name).length > 0) throw new Error(`Invalid service account name: ${validateDnsSubdomain(name).join(', ')}`);
  if (validateDnsLabel(namespace).length > 0) throw new Error(`Invalid service account namespace: ${validateDnsLabel(namespace).join(', ')}`);
  return new CelAuthorizer(authorizer.ask, authorizer.requestResource?.resource, { serviceAccount: { namespace, name } });
}

const prefix = 'kubernetes.authorization';
export const authorizerType = `${prefix}.Authorizer`;

export const authorizer: Library = (environment) => {
  const [path, group, resource, decision] = ['PathCheck', 'GroupCheck', 'ResourceCheck', 'Decision'].map((name) => `${prefix}.${name}`);
  environment.registerType(`${path}`, PathCheck);
  environment.registerType(`${group}`, GroupCheck);
  environment.registerType(`${resource}`, ResourceCheck);
  environment.registerType(`${decision}`, Decision);
  environment.registerType(authorizerType, { ctor: CelAuthorizer, fields: { requestResource: `${resource}` } });

  define(environment, `${authorizerType}.path(string): ${path}`, (one: CelAuthorizer, value: string) => new PathCheck(one, required(value, 'path')));
  define(environment, `${authorizerType}.group(string): ${group}`, (one: CelAuthorizer, value: string) => new GroupCheck(one, value));
  define(environment, `${authorizerType}.serviceAccount(string, string): ${authorizerType}`, serviceAccount);
  define(environment, `${group}.resource(string): ${resource}`, ({ authorizer: one, group: of }: GroupCheck, name: string) => {
    return new ResourceCheck(one.ask, one.subject, { group: of, resource: required(name, 'resource'), subresource: '', namespace: '', name: '' });
  });
  for (const field of ['subresource', 'namespace', 'name', 'fieldSelector', 'labelSelector'] as const)
    define(environment, `${resource}.${field}(string): ${resource}`, (check: ResourceCheck, value: string) => check.with({ [field]: value }));
  // These may wait for the authorizer.
  environment.registerFunction(`${resource}.check(string): ${decision}`, (check: ResourceCheck, verb: string) =>
    decisionOf(check.ask({ ...check.subject, verb, resource: check.resource })),
  );
  environment.registerFunction(`${path}.check(string): ${decision}`, ({ authorizer: one, path: of }: PathCheck, verb: string) =>
    decisionOf(one.ask({ ...one.subject, verb: verb.toLowerCase(), path: of })),
  );
  define(environment, `${decision}.allowed(): bool`, ({ answer }: Decision) => answer.allowed);
  define(environment, `${decision}.reason(): string`, ({ answer }: Decision) => answer.reason);
  define(environment, `${decision}.errored(): bool`, ({ answer }: Decision) => answer.error !== undefined);
  define(environment, `${decision}.error(): string`, ({ answer }: Decision) => answer.error ?? '');
};
