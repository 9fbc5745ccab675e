import type { UserInfo } from '../api/kind.ts';
import type { AuditRecord } from './audit/audit.ts';
import type { RequestInfo } from './contracts.ts';
import type { Exchange } from './exchange.ts';

/** A watch takes a place among the requests in flight only while it begins. Calls after the first do nothing. */
export interface WatchProgress {
  /** How long it lives at least when the client does not say, up to twice as long; in seconds. */
  minSeconds: number;
  /** The state was sent, if any was asked for; what comes now are events. */
  begun(): void;
  ended(): void;
}

/** What travels with one request through the pipeline. */
export interface RequestContext {
  exchange: Exchange;
  info: RequestInfo;
  /** Who is asking, after impersonation. */
  user: UserInfo;
  /** When the request arrived. */
  now: Date;
  /** The same by `performance.now()`. */
  started: number;
  /** For `Warning:` headers, in the order in which they came up; without duplicates. */
  warnings: string[];
  warn(message: string): void;
  /** The request's body, once it was read; for the audit log. */
  body: Uint8Array | undefined;
  /** Set while the request is recorded in the audit log. */
  audit: AuditRecord | undefined;
  /** For the audit log. */
  annotations: Record<string, string> | undefined;
  annotate(key: string, value: string): void;
  /** How flow control classified the request, once it did. */
  flow: { readonly uid: string; readonly levelUid: string } | undefined;
  /** How long it waited for its turn, in milliseconds. */
  waitedMs: number;
  /** Long answers may be compressed. */
  compress: boolean;
  /** Told by a watch how far it is; absent for everything else. */
  watch: WatchProgress | undefined;
}

/** The longest that all warnings of one answer may be, in characters (upstream's limit: 4 KiB, then texts are cut). */
const maxWarningsLength = 4096;

export function createContext(exchange: Exchange, info: RequestInfo, user: UserInfo, started = performance.now()): RequestContext {
  const context: RequestContext = {
    exchange,
    info,
    user,
    now: new Date(),
    started,
    warnings: [],
    warn(message) {
      if (message !== '' && !context.warnings.includes(message)) context.warnings.push(message);
    },
    body: undefined,
    audit: undefined,
    annotations: undefined,
    annotate(key, value) {
      context.annotations ??= {};
      context.annotations[key] = value;
    },
    flow: undefined,
    compress: true,
    waitedMs: 0,
    watch: undefined,
  };
  return context;
}

/** `Warning:` header values (RFC 7234, code 299); control characters are dropped, texts that are too long are cut. */
export function warningHeaders(warnings: readonly string[]): string[] {
  let left = maxWarningsLength;
  const values: string[] = [];
  for (const warning of warnings) {
    if (left <= 0) break;
    // Header values are Latin-1: what does not fit is shown as UTF-8 bytes.
    const text = warning.replace(/\p{Cc}/gu, ' ').slice(0, left);
    left -= text.length;
    const quoted = text.replace(/[\\"]/g, (character) => `\\${character}`);
    values.push(Buffer.from(`299 - "${quoted}"`, 'utf8').toString('latin1'));
  }
  return values;
}
