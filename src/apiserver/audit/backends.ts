/** Where audit events go, as `--audit-log-*` and `--audit-webhook-*` say: a file, a webhook, or both. */
import type { Logger } from 'pino';
import { internalError } from '../../apimachinery/errors.ts';
import { ConfigurationError, readConfiguration } from '../configuration/load.ts';
import type { AuditEvent, AuditOptions } from './audit.ts';
import { type BatchOptions, createBatcher } from './batch.ts';
import { type LogFileOptions, openLogFile } from './logfile.ts';
import { auditPolicyFile } from './policy.ts';

/** `blocking`: a request waits until it is recorded; `blocking-strict`: and fails when it can't be. */
export type AuditMode = 'batch' | 'blocking' | 'blocking-strict';

interface Truncation {
  /** Bytes. Larger ones lose what was sent and answered, or are left out. */
  maxEventSize: number;
}

export interface AuditLogOptions extends LogFileOptions {
  mode: AuditMode;
  format: 'json' | 'legacy';
  batch: BatchOptions;
  truncate?: Truncation;
}

export interface AuditWebhookOptions {
  kubeconfig: string;
  mode: AuditMode;
  batch: BatchOptions;
  initialBackoffMs: number;
  truncate?: Truncation;
}

export interface AuditConfiguration {
  policyFile?: string;
  logFile?: AuditLogOptions;
  webhook?: AuditWebhookOptions;
}

export interface Audit extends AuditOptions {
  /** Hands on what waits. */
  close(): Promise<void>;
}

interface Backend {
  /** @throws (or rejects) when it can't be recorded */
  write(event: AuditEvent): Promise<void> | void;
  strict: boolean;
  close(): Promise<void>;
}

/** As upstream's defaults: a file takes events one by one, a webhook gets many at once. */
export const batchOfFile: BatchOptions = { bufferSize: 10_000, maxSize: 1, maxWaitMs: 0 };
export const batchOfWebhook: BatchOptions = { bufferSize: 10_000, maxSize: 400, maxWaitMs: 30_000, throttle: { qps: 10, burst: 15 } };

const truncatedMark = { 'audit.k8s.io/truncated': 'true' };

/** The event as it is, without its objects when it is too large; undefined when even that is too much. */
function fitting(event: AuditEvent, { maxEventSize }: Truncation): AuditEvent | undefined {
  if (JSON.stringify(event).length <= maxEventSize) return event;
  const { requestObject: _request, responseObject: _response, annotations, ...rest } = event;
  const bare = { ...rest, annotations: { ...(annotations as object | undefined), ...truncatedMark } };
  return JSON.stringify(bare).length <= maxEventSize ? bare : undefined;
}

const quotedOr = (value: unknown, none: string): string => (value ? JSON.stringify(String(value)) : none);

/** The one-line form of before: a few fields, no objects. */
function legacyLine(event: AuditEvent): string {
  const user = event['user'] as { username?: string; groups?: string[] };
  const as = event['impersonatedUser'] as typeof user | undefined;
  const groups = (of: typeof user | undefined): string => (of?.groups ?? []).map((group) => JSON.stringify(group)).join(',');
  const { namespace } = (event['objectRef'] ?? {}) as { namespace?: string };
  const { code } = (event['responseStatus'] ?? {}) as { code?: number };
  const [ip] = event['sourceIPs'] as string[];
  return (
    `${event['stageTimestamp']} AUDIT: id=${quotedOr(event['auditID'], '""')} stage=${quotedOr(event['stage'], '""')} ip=${quotedOr(ip, '"<unknown>"')} ` +
    `method=${quotedOr(event['verb'], '""')} user=${quotedOr(user.username, '"<none>"')} groups=${groups(user) || '"<none>"'} ` +
    `as=${quotedOr(as?.username, '"<self>"')} asgroups=${as ? groups(as) : '"<lookup>"'} user-agent=${quotedOr(event['userAgent'], '""')} ` +
    `namespace=${quotedOr(namespace, '"<none>"')} uri=${quotedOr(event['requestURI'], '""')} response="${code ?? '<deferred>'}"\n`
  );
}

/** Truncates, and batches where that is the mode. `take` handles what comes out of it. */
function backendOf(
  mode: AuditMode,
  batch: BatchOptions,
  truncate: Truncation | undefined,
  take: (events: readonly AuditEvent[]) => Promise<void> | void,
  log?: Logger,
) {
  const batcher = mode === 'batch' ? createBatcher(batch, async (events) => take(events), log) : undefined;
  return {
    strict: mode === 'blocking-strict',
    write(event: AuditEvent): Promise<void> | void {
      const fit = truncate ? fitting(event, truncate) : event;
      if (!fit) log?.error({ auditID: event['auditID'] }, 'an audit event is too large even without its objects; it is left out');
      else if (batcher) batcher.add(fit);
      else return take([fit]);
    },
    flush: async () => batcher?.close(),
  };
}

function fileBackend(options: AuditLogOptions, log?: Logger): Backend {
  const { mode, format, batch, truncate } = options;
  let file: ReturnType<typeof openLogFile>;
  try {
    file = openLogFile(options, log);
  } catch (error) {
    throw new ConfigurationError('audit-log-path', options.path, (error as Error).message, { cause: error });
  }
  const lineOf = format === 'legacy' ? legacyLine : (event: AuditEvent): string => `${JSON.stringify(event)}\n`;
  const { flush, ...backend } = backendOf(mode, batch, truncate, (events) => file.append(events.map(lineOf).join('')), log);
  return {
    ...backend,
    async close() {
      await flush();
      await file.close();
    },
  };
}

async function webhookBackend({ kubeconfig, mode, batch, initialBackoffMs, truncate }: AuditWebhookOptions, log?: Logger): Promise<Backend> {
  const { createWebhook } = await import('../configuration/webhook.ts');
  const webhook = await createWebhook({ flag: 'audit-webhook-config-file', kubeconfig, backoffMs: initialBackoffMs, retryAlways: true });
  const send = async (items: readonly AuditEvent[]): Promise<void> => {
    await webhook.post({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items });
  };
  const { flush, ...backend } = backendOf(mode, batch, truncate, send, log);
  return {
    ...backend,
    async close() {
      await flush();
      webhook.close();
    },
  };
}

/** Undefined when there is no policy, or nowhere to write. @throws {ConfigurationError} */
export async function createAudit({ policyFile, logFile, webhook }: AuditConfiguration, log?: Logger): Promise<Audit | undefined> {
  if (policyFile === undefined) return undefined;
  const policy = readConfiguration(auditPolicyFile, policyFile);
  const backends = [...(logFile ? [fileBackend(logFile, log)] : []), ...(webhook ? [await webhookBackend(webhook, log)] : [])];
  if (backends.length === 0) return undefined;

  function failed(backend: Backend, event: AuditEvent, error: unknown): void {
    log?.error({ err: error, auditID: event['auditID'] }, 'an audit event could not be recorded');
    if (backend.strict && event['stage'] === 'RequestReceived') throw internalError(new Error('failed to store audit event'));
  }

  return {
    policy,
    write(event) {
      let pending: Promise<void>[] | undefined;
      for (const backend of backends) {
        try {
          const written = backend.write(event);
          if (written) {
            pending ??= [];
            pending.push(written.catch((error: unknown) => failed(backend, event, error)));
          }
        } catch (error) {
          failed(backend, event, error);
        }
      }
      return pending && Promise.all(pending).then(() => undefined);
    },
    async close() {
      await Promise.all(backends.map((backend) => backend.close()));
    },
  };
}
