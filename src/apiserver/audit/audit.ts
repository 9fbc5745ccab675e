/** The audit log: one `audit.k8s.io/v1 Event` for each stage of a request that the policy wants to have recorded. */
import { randomUUID } from 'node:crypto';
import type { UserInfo } from '../../api/kind.ts';
import { parseYaml } from '../../apimachinery/codec/yaml.ts';
import { microTimeOf } from '../../apimachinery/meta.ts';
import type { RequestContext } from '../context.ts';
import type { AuthorizationAttributes } from '../contracts.ts';
import type { Reply } from '../exchange.ts';
import type { AuditPolicy, AuditStage } from './policy.ts';
import { ruleFor } from './policy.ts';

export interface AuditOptions {
  policy: AuditPolicy;
  /** One event, as an object; where it goes is the caller's business. It must not wait. */
  write(event: Record<string, unknown>): void;
}

/** A request that is being recorded. */
export interface AuditRecord {
  /** Who it is served as, when that is somebody else. */
  impersonated(user: UserInfo): void;
  responded(reply: Reply): void;
}

export interface Auditor {
  /** Undefined when the policy does not want this request. */
  begin(context: RequestContext, attributes: AuthorizationAttributes): AuditRecord | undefined;
}

const person = ({ username, uid, groups, extra }: UserInfo): object => ({ username, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) });

function objectRef({ isResourceRequest, resource, namespace, name, group, version, subresource }: AuthorizationAttributes): object | undefined {
  if (!isResourceRequest) return undefined;
  const given = { resource, namespace, name, apiGroup: group, apiVersion: version, subresource };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
}

/** A body as a value; what is neither JSON nor YAML is left out. */
function bodyValue(bytes: Uint8Array | undefined, omitManagedFields: boolean): unknown {
  if (!bytes || bytes.length === 0 || bytes[0] === 0x6b) return undefined;
  try {
    const value = parseYaml(Buffer.from(bytes).toString('utf8')) as { metadata?: { managedFields?: unknown } };
    if (omitManagedFields && value?.metadata) delete value.metadata.managedFields;
    return value;
  } catch {
    return undefined;
  }
}

export function createAuditor({ policy, write }: AuditOptions): Auditor {
  return {
    begin(context, attributes) {
      const rule = ruleFor(policy, attributes);
      if (!rule || rule.level === 'None') return undefined;
      const { level } = rule;
      const { exchange, info } = context;
      const omitted = new Set<AuditStage>([...(policy.omitStages ?? []), ...(rule.omitStages ?? [])]);
      const omitManagedFields = rule.omitManagedFields ?? policy.omitManagedFields ?? false;
      const event: Record<string, unknown> = {
        kind: 'Event',
        apiVersion: 'audit.k8s.io/v1',
        level,
        auditID: exchange.headers['audit-id'] || randomUUID(),
        requestURI: exchange.url,
        verb: attributes.isResourceRequest ? attributes.verb : info.verb,
        user: person(context.user),
        sourceIPs: [exchange.remoteAddress],
        userAgent: exchange.headers['user-agent'] ?? '',
        objectRef: objectRef(attributes),
        requestReceivedTimestamp: microTimeOf(context.now),
      };
      const record = (stage: AuditStage, more: Record<string, unknown> = {}): void => {
        if (omitted.has(stage)) return;
        const { annotations } = context;
        write({ ...event, stage, ...more, stageTimestamp: microTimeOf(new Date()), ...(annotations ? { annotations } : {}) });
      };
      record('RequestReceived');
      return {
        impersonated(user) {
          event['impersonatedUser'] = person(user);
        },
        responded(reply) {
          const responseStatus = { metadata: {}, code: reply.status };
          const more: Record<string, unknown> = { responseStatus };
          if (level === 'Request' || level === 'RequestResponse') more['requestObject'] = bodyValue(context.body, omitManagedFields);
          if (level === 'RequestResponse' && reply.body) {
            const whole = reply.body instanceof Uint8Array ? reply.body : Buffer.concat(reply.body);
            if (!reply.headers['content-encoding']) more['responseObject'] = bodyValue(whole, omitManagedFields);
          }
          if (!reply.stream) {
            record('ResponseComplete', more);
            return;
          }
          record('ResponseStarted', more);
          const { stream } = reply;
          reply.stream = (sink) => {
            sink.onClose(() => record('ResponseComplete', { responseStatus }));
            stream(sink);
          };
        },
      };
    },
  };
}
