import type { UserInfo } from '../api/kind.ts';
import type { RequestInfo } from './contracts.ts';
import type { Exchange } from './exchange.ts';

/** What travels with one request through the pipeline. */
export interface RequestContext {
  exchange: Exchange;
  info: RequestInfo;
  /** Who is asking, after impersonation. */
  user: UserInfo;
  /** When the request arrived. */
  now: Date;
  /** For `Warning:` headers, in the order in which they came up; without duplicates. */
  warnings: string[];
  warn(message: string): void;
  /** The request's body, once it was read; for the audit log. */
  body: Uint8Array | undefined;
  /** For the audit log. */
  annotations: Record<string, string> | undefined;
  annotate(key: string, value: string): void;
  /** Milliseconds since the epoch by which the answer must be on its way; 0 for long-running requests. */
  deadline: number;
}

/** The longest that all warnings of one answer may be, in characters (upstream's limit: 4 KiB, then texts are cut). */
const maxWarningsLength = 4096;

export function createContext(exchange: Exchange, info: RequestInfo, user: UserInfo): RequestContext {
  const context: RequestContext = {
    exchange,
    info,
    user,
    now: new Date(),
    warnings: [],
    warn(message) {
      if (message !== '' && !context.warnings.includes(message)) context.warnings.push(message);
    },
    body: undefined,
    annotations: undefined,
    annotate(key, value) {
      context.annotations ??= {};
      context.annotations[key] = value;
    },
    deadline: 0,
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
