/**
 * The way of a request, in one place:
 * request info → authenticate → audit → impersonate → flow control → authorize → the verb's handler → reply.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { parseDuration } from '../apimachinery/duration.ts';
import { badRequest, internalError, StatusError, timeout, unauthorized } from '../apimachinery/errors.ts';
import { errorReply } from './answer/reply.ts';
import type { Auditor, AuditRecord } from './audit/audit.ts';
import { asksForAnother, impersonate } from './authentication/impersonate.ts';
import { forbiddenRequest } from './authorization/forbidden.ts';
import type { RequestContext, WatchProgress } from './context.ts';
import { createContext } from './context.ts';
import type { Authenticator, AuthorizationAttributes, Authorizer, Credentials, RequestInfo } from './contracts.ts';
import type { Exchange, Reply } from './exchange.ts';
import { bodyLength } from './exchange.ts';
import type { FlowControl } from './flowcontrol/flowcontrol.ts';
import { authenticatedUsers, authentications, authorizations, shownUser } from './nonresource/requestmetrics.ts';
import { parseRequestInfo } from './requestinfo.ts';
import type { Route } from './route.ts';

export interface Stages {
  authenticate: Authenticator;
  authorize: Authorizer;
  audit?: Auditor | undefined;
  flowControl: FlowControl;
  route(info: RequestInfo): Route;
  /** Called once per request, with the answer's code and the seconds that it took. */
  observe?(context: RequestContext, code: number, seconds: number, bytes: number): void;
  /** Counts a request that goes on after its answer has begun, until what this gives is called. */
  longRunning?(context: RequestContext): () => void;
  /** How long a request may take that is not long-running, in milliseconds. */
  requestTimeoutMs: number;
  /** See {@link WatchProgress}. */
  minRequestTimeoutSeconds: number;
  /** Whether long answers may be compressed. */
  compressResponses: boolean;
  log: Logger | undefined;
}

export type Pipeline = (exchange: Exchange) => Promise<Reply>;

export function createPipeline(stages: Stages): Pipeline {
  return async (exchange) => {
    const started = performance.now();
    const auditId = exchange.headers['audit-id'] || randomUUID();
    let info: RequestInfo | undefined;
    let context: RequestContext | undefined;
    let record: AuditRecord | undefined;
    let reply: Reply;
    let failure: { error: unknown } | undefined;
    try {
      info = requestInfoOf(exchange);
      context = createContext(exchange, info, await authenticated(stages, exchange, info), started);
      context.compress = stages.compressResponses;
      if (stages.audit) record = await begun(stages.audit, context, auditId);
      await impersonated(stages, context, record);
      reply = await serve(stages, context);
    } catch (error) {
      // What the server says on purpose is no failure of the server.
      if (!(error instanceof StatusError) || error.code === 500) logFailure(stages.log, exchange, error);
      if (!context) await stages.flowControl.refuse(started);
      if (!(error instanceof StatusError)) failure = { error };
      reply = errorReply(exchange, error, context);
    }
    reply.headers['audit-id'] ??= auditId;
    if (context) reply.whose = context.user.username;
    if (context?.flow) {
      // By UID: names of schemas and levels are not everybody's business.
      reply.headers['x-kubernetes-pf-flowschema-uid'] = context.flow.uid;
      reply.headers['x-kubernetes-pf-prioritylevel-uid'] = context.flow.levelUid;
    }
    if (stages.audit) {
      const written = record
        ? failure
          ? record.failed(reply, failure.error)
          : record.responded(reply)
        : !context && info && stages.audit.unauthenticated(exchange, info, reply, new Date(), auditId);
      if (written) await written;
    }
    if (context) stages.observe?.(context, reply.status, (performance.now() - started) / 1000, bodyLength(reply.body));
    return reply;
  };
}

function requestInfoOf(exchange: Exchange): RequestInfo {
  try {
    return parseRequestInfo(exchange.method, exchange.url);
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}

async function authenticated({ authenticate }: Stages, exchange: Exchange, info: RequestInfo): Promise<RequestContext['user']> {
  const credentials: Credentials = { headers: exchange.headers, remoteAddress: exchange.remoteAddress, path: info.path };
  if (exchange.identity) credentials.identity = exchange.identity;
  else {
    const peer = exchange.peerCertificate();
    if (peer) credentials.peerCertificate = peer;
  }
  const started = performance.now();
  let result: 'success' | 'failure' | 'error' = 'error';
  try {
    const found = await authenticate(credentials);
    result = found ? 'success' : 'failure';
    if (!found) throw unauthorized();
    authenticatedUsers.add(1, shownUser(found.user.username));
    return found.user;
  } finally {
    authentications.observe(result, (performance.now() - started) / 1000);
  }
}

async function begun(audit: Auditor, context: RequestContext, auditId: string): Promise<AuditRecord | undefined> {
  const record = audit.begin(context, attributesOf(context), auditId);
  context.audit = record;
  if (record?.received) await record.received;
  return record;
}

async function impersonated({ authorize }: Stages, context: RequestContext, record: AuditRecord | undefined): Promise<void> {
  const { headers } = context.exchange;
  if (!asksForAnother(headers)) return;
  const { user: _user, ...request } = attributesOf(context);
  const other = await impersonate(context.user, headers, request, authorize);
  if (!other) return;
  context.user = other.user;
  record?.impersonated(other.user, other.constraint);
}

export function attributesOf({ info, user }: RequestContext): AuthorizationAttributes {
  const attributes: AuthorizationAttributes = {
    user,
    verb: info.verb,
    isResourceRequest: info.isResourceRequest,
    group: info.group,
    version: info.version,
    resource: info.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    path: info.path,
  };
  if (info.fieldSelector !== '') attributes.fieldSelector = info.fieldSelector;
  if (info.labelSelector !== '') attributes.labelSelector = info.labelSelector;
  return attributes;
}

async function serve(stages: Stages, context: RequestContext): Promise<Reply> {
  const route = stages.route(context.info);
  if (route.longRunning) {
    if (context.info.verb === 'watch') return serveWatch(stages, context, route);
    await authorized(stages, context);
    const ended = stages.longRunning?.(context);
    if (ended) context.exchange.onClose(ended);
    return route.serve(context);
  }
  const { flowControl } = stages;
  let left = timeLimit(context, stages.requestTimeoutMs);
  let admitted = flowControl.enter(context, left * waitPart);
  if (admitted instanceof Promise) {
    const queued = performance.now();
    admitted = await admitted;
    const now = performance.now();
    context.waitedMs = now - queued;
    left -= now - context.started;
  }
  const place = admitted;
  const done = (): void => void (place && flowControl.leave(place));
  let work: Promise<Reply>;
  try {
    await authorized(stages, context);
    work = route.serve(context);
  } catch (error) {
    done();
    throw error;
  }
  return inTime(work, left, done, () => {
    // As upstream, where whoever says that time is over stands before flow control.
    context.flow = undefined;
  });
}

async function serveWatch(stages: Stages, context: RequestContext, route: Route): Promise<Reply> {
  const { flowControl } = stages;
  const entered = flowControl.enter(context, stages.requestTimeoutMs * waitPart);
  const admitted = entered instanceof Promise ? await entered : entered;
  const forget = flowControl.watching(context);
  const over = stages.longRunning?.(context);
  const watch: WatchProgress = {
    minSeconds: stages.minRequestTimeoutSeconds,
    begun: () => void (admitted && flowControl.leave(admitted)),
    ended() {
      watch.begun();
      forget();
      over?.();
    },
  };
  context.watch = watch;
  // Should the answer never come to be written.
  context.exchange.onClose(watch.ended);
  try {
    await authorized(stages, context);
    const reply = await route.serve(context);
    if (!reply.stream && !reply.hijacked) watch.ended();
    return reply;
  } catch (error) {
    watch.ended();
    throw error;
  }
}

async function authorized({ authorize, audit }: Stages, context: RequestContext): Promise<void> {
  const attributes = attributesOf(context);
  const started = performance.now();
  const pending = authorize(attributes);
  const { decision, reason, error } = pending instanceof Promise ? await pending : pending;
  // Nobody refused it when there was an error: whoever might have allowed it could not be asked.
  const failed = decision !== 'allow' && error !== undefined && error !== '';
  authorizations.observe(failed ? 'error' : outcomes[decision], (performance.now() - started) / 1000);
  if (audit) {
    if (!failed) context.annotate('authorization.k8s.io/decision', decision === 'allow' ? 'allow' : 'forbid');
    context.annotate('authorization.k8s.io/reason', failed ? 'internal error' : reason);
  }
  if (decision === 'allow') return;
  throw failed ? internalError(new Error(error)) : forbiddenRequest(attributes, reason);
}

const outcomes = { allow: 'allowed', deny: 'denied', 'no-opinion': 'no-opinion' } as const;

/** The part of a request's time that it may spend waiting for its turn. */
const waitPart = 1 / 4;

/** What the client allows, where it allows less than the server. Fails with 400 for what is no duration. */
function timeLimit({ info }: RequestContext, most: number): number {
  const text = info.query.size > 0 ? info.query.get('timeout') : null;
  if (text === null || text === '') return most;
  let wanted: number;
  try {
    wanted = parseDuration(text);
  } catch (error) {
    throw badRequest(`invalid timeout specified in the request URL - ${(error as Error).message}`);
  }
  return wanted > 0 && wanted < most ? wanted : most;
}

/** What does not come in time goes on, and keeps its seats until it is over. */
function inTime(work: Promise<Reply>, milliseconds: number, done: () => void, late: () => void): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => {
        late();
        reject(timeout('request did not complete within the allotted timeout'));
      },
      Math.max(1, milliseconds),
    );
    work.then(
      (reply) => {
        clearTimeout(timer);
        done();
        resolve(reply);
      },
      (error: unknown) => {
        clearTimeout(timer);
        done();
        reject(error);
      },
    );
  });
}

function logFailure(log: Logger | undefined, exchange: Exchange, error: unknown): void {
  log?.error({ err: error, method: exchange.method, path: exchange.url }, 'a request failed');
}
