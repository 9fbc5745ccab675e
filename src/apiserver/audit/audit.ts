/** The audit log: one `audit.k8s.io/v1 Event` for each stage of a request that the policy wants to have recorded. */

import { isIP } from 'node:net';
import type { UserInfo } from '../../api/kind.ts';
import { copyJson } from '../../apimachinery/copy.ts';
import { formatDuration } from '../../apimachinery/duration.ts';
import { type KubeObject, microTimeOf } from '../../apimachinery/meta.ts';
import type { RequestContext } from '../context.ts';
import type { AuthorizationAttributes, RequestInfo } from '../contracts.ts';
import type { Exchange, Reply } from '../exchange.ts';
import { auditEvents, auditLevels, auditRejected } from '../nonresource/requestmetrics.ts';
import { replyValue, valueOf, withoutManagedFields } from './bodies.ts';
import type { AuditPolicy, AuditRule, AuditStage } from './policy.ts';
import { ruleFor } from './policy.ts';

export type AuditEvent = Record<string, unknown>;

/** Where events go. */
export interface AuditOptions {
  policy: AuditPolicy;
  /**
   * Takes one event, as an object that nobody changes afterwards. The request goes on when the promise resolves, if there is one.
   * @throws (or rejects) when a request must not be served that can't be recorded
   */
  write(event: AuditEvent): Promise<void> | void;
}

type Written = Promise<void> | void;

/** A request that is being recorded. */
export interface AuditRecord {
  /** To be waited for before the request is served. */
  readonly received: Written;
  /** Who it is served as, when that is somebody else. */
  impersonated(user: UserInfo, constraint: string): void;
  /** What the client sent, as it was understood. `complete` fills in what it left out. */
  requested(object: KubeObject, complete?: (object: never) => void): void;
  /** To be waited for before the answer goes out. */
  responded(reply: Reply): Written;
  /** The server itself failed, and answers with this. */
  failed(reply: Reply, error: unknown): Written;
}

export interface Auditor {
  /** Undefined when the policy does not want this request. */
  begin(context: RequestContext, attributes: AuthorizationAttributes, auditId: string): AuditRecord | undefined;
  /** A request whose sender is not known. */
  unauthenticated(exchange: Exchange, info: RequestInfo, reply: Reply, now: Date, auditId: string): Written;
}

const maxUserAgent = 1024;
/** What took longer says so. */
const slowMs = 500;

const person = ({ username, uid, groups, extra }: UserInfo): object => ({
  username,
  ...(uid ? { uid } : {}),
  ...(groups.length > 0 ? { groups } : {}),
  ...(extra && Object.keys(extra).length > 0 ? { extra } : {}),
});

function objectRefOf({
  isResourceRequest,
  resource,
  namespace,
  name,
  group,
  version,
  subresource,
}: AuthorizationAttributes): Record<string, string> | undefined {
  if (!isResourceRequest) return undefined;
  const given = { resource, namespace, name, apiGroup: group, apiVersion: version, subresource };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
}

/** Those that proxies name, then the one that is connected. */
function sourceIps({ headers, remoteAddress }: Exchange): string[] {
  const forwarded = (headers['x-forwarded-for'] ?? '').split(',').map((one) => one.trim());
  const ips = forwarded.filter((one) => isIP(one) !== 0);
  const real = (headers['x-real-ip'] ?? '').trim();
  if (isIP(real) !== 0 && !ips.includes(real)) ips.push(real);
  if (remoteAddress !== '' && ips.at(-1) !== remoteAddress) ips.push(remoteAddress);
  return ips;
}

const userAgentOf = ({ headers }: Exchange): string | undefined => {
  const agent = headers['user-agent'] ?? '';
  return agent.length > maxUserAgent ? `${agent.slice(0, maxUserAgent)}...TRUNCATED` : agent || undefined;
};

/** A failure, or that something was deleted, as its own fields; else the code alone. */
function responseStatusOf(reply: Reply, value: unknown): Record<string, unknown> {
  const status = value as { kind?: string; status?: string; message?: string; reason?: string; details?: unknown } | undefined;
  if (status?.kind !== 'Status') return { metadata: {}, code: reply.status };
  const { status: outcome, message, reason, details } = status;
  return {
    metadata: {},
    ...(outcome ? { status: outcome } : {}),
    ...(message ? { message } : {}),
    ...(reason ? { reason } : {}),
    ...(details ? { details } : {}),
    code: reply.status,
  };
}

export function createAuditor({ policy, write }: AuditOptions): Auditor {
  const counted = (event: AuditEvent): Written => {
    auditEvents.add(1);
    const written = write(event);
    if (!written) return undefined;
    return written.catch((error: unknown) => {
      auditRejected.add(1);
      throw error;
    });
  };

  const omittedBy = (rule: AuditRule): ReadonlySet<AuditStage> => new Set([...(policy.omitStages ?? []), ...(rule.omitStages ?? [])]);

  /** The fields in upstream's order, so that lines read alike. */
  function eventOf(rule: AuditRule, exchange: Exchange, attributes: AuthorizationAttributes, received: Date, auditId: string): AuditEvent {
    return {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: rule.level,
      auditID: auditId,
      stage: undefined,
      requestURI: exchange.url,
      verb: attributes.verb,
      user: attributes.user.username === '' && attributes.user.groups.length === 0 ? {} : person(attributes.user),
      impersonatedUser: undefined,
      authenticationMetadata: undefined,
      sourceIPs: sourceIps(exchange),
      userAgent: userAgentOf(exchange),
      objectRef: objectRefOf(attributes),
      responseStatus: undefined,
      requestObject: undefined,
      responseObject: undefined,
      requestReceivedTimestamp: microTimeOf(received),
      stageTimestamp: microTimeOf(received),
      annotations: undefined,
    };
  }

  function recordOf(context: RequestContext, rule: AuditRule, event: AuditEvent): AuditRecord {
    const { level } = rule;
    auditLevels.add(1, level);
    const omitted = omittedBy(rule);
    const omitManagedFields = rule.omitManagedFields ?? policy.omitManagedFields ?? false;
    const shown = (value: unknown): unknown => (omitManagedFields ? withoutManagedFields(value) : value);
    const withRequest = level === 'Request' || level === 'RequestResponse';
    let requested = false;

    const stage = (name: AuditStage): Written => {
      if (omitted.has(name)) return undefined;
      if (name !== 'RequestReceived') event['stageTimestamp'] = microTimeOf(new Date());
      return counted({ ...event, stage: name, annotations: context.annotations && { ...context.annotations } });
    };

    /** What the objects say that the path does not. */
    function refine({ metadata }: Partial<KubeObject>): void {
      const ref = event['objectRef'] as Record<string, string> | undefined;
      if (!ref || !metadata) return;
      const { namespace, name, uid, resourceVersion } = metadata;
      for (const [key, value] of Object.entries({ namespace, name, uid, resourceVersion })) if (value) ref[key] ??= value;
    }

    function take(reply: Reply): void {
      const isStatus = reply.status >= 400 || event['verb'] === 'delete' || event['verb'] === 'deletecollection';
      const value = isStatus || level === 'RequestResponse' ? replyValue(reply) : undefined;
      event['responseStatus'] = responseStatusOf(reply, value);
      if (withRequest && !requested) event['requestObject'] = shown(valueOf(context.body));
      // Versions and the like are no objects of the API.
      if (level === 'RequestResponse' && (value as { kind?: unknown } | undefined)?.kind) event['responseObject'] = shown(value);
    }

    return {
      received: stage('RequestReceived'),
      impersonated(user, constraint) {
        event['impersonatedUser'] = person(user);
        if (constraint !== '') event['authenticationMetadata'] = { impersonationConstraint: constraint };
      },
      requested(object, complete) {
        requested = true;
        refine(object);
        if (!withRequest) return;
        // What becomes of it later is no part of the request.
        const copy = copyJson(object);
        complete?.(copy as never);
        if (copy.metadata?.name === '') delete (copy.metadata as Partial<KubeObject['metadata']>).name;
        event['requestObject'] = shown(copy);
      },
      responded(reply) {
        take(reply);
        if (!reply.stream && !reply.hijacked) {
          const milliseconds = performance.now() - context.started;
          if (milliseconds > slowMs) context.annotate('apiserver.latency.k8s.io/total', formatDuration(milliseconds));
          return stage('ResponseComplete');
        }
        if (reply.hijacked) event['responseStatus'] = { metadata: {}, code: 101 };
        const started = stage('ResponseStarted');
        const complete = (): void => void stage('ResponseComplete');
        const { stream } = reply;
        if (!stream) context.exchange.onClose(complete);
        else {
          reply.stream = (sink) => {
            sink.onClose(complete);
            stream(sink);
          };
        }
        return started;
      },
      failed(reply, error) {
        take(reply);
        event['responseStatus'] = {
          metadata: {},
          status: 'Failure',
          message: `APIServer panic'd: ${(error as Error)?.message ?? error}`,
          reason: 'InternalError',
          code: 500,
        };
        return stage('Panic');
      },
    };
  }

  return {
    begin(context, attributes, auditId) {
      const rule = ruleFor(policy, attributes);
      if (!rule || rule.level === 'None') return undefined;
      return recordOf(context, rule, eventOf(rule, context.exchange, attributes, context.now, auditId));
    },
    unauthenticated(exchange, info, reply, now, auditId) {
      const user: UserInfo = { username: '', groups: [] };
      const { isResourceRequest, verb, group, version, resource, subresource, namespace, name, path } = info;
      const attributes = { user, verb, isResourceRequest, group, version, resource, subresource, namespace, name, path };
      const rule = ruleFor(policy, attributes);
      if (!rule || rule.level === 'None' || omittedBy(rule).has('ResponseStarted')) return undefined;
      const event = eventOf(rule, exchange, attributes, now, auditId);
      const status = replyValue(reply);
      const responseStatus = responseStatusOf(reply, status);
      const shown = rule.level === 'RequestResponse' ? { responseObject: status } : {};
      return counted({ ...event, ...shown, stage: 'ResponseStarted', responseStatus, stageTimestamp: microTimeOf(new Date()) });
    },
  };
}
