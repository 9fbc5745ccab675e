/** What is said to browsers, whatever they ask: who else's pages may ask (CORS), and that nobody should ask without TLS. */
import type { Exchange, Reply } from '../exchange.ts';

export interface BrowserOptions {
  corsAllowedOrigins?: readonly RegExp[];
  strictTransportSecurity?: readonly string[];
}

/** Upstream's. */
const allowed: Readonly<Record<string, string>> = {
  'access-control-allow-methods': 'POST, GET, OPTIONS, PUT, DELETE, PATCH',
  'access-control-allow-headers': 'Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since',
  'access-control-expose-headers': 'Date',
  'access-control-allow-credentials': 'true',
};

export interface Browsers {
  /** The answer to a question ahead of a request, which needs no credentials. */
  preflight(exchange: Exchange): Reply | undefined;
  addHeaders(exchange: Exchange, reply: Reply): void;
}

/** Undefined when there is nothing to say. */
export function createBrowsers({ corsAllowedOrigins = [], strictTransportSecurity = [] }: BrowserOptions): Browsers | undefined {
  if (corsAllowedOrigins.length === 0 && strictTransportSecurity.length === 0) return undefined;
  const isAllowed = (origin: string | undefined): origin is string => !!origin && corsAllowedOrigins.some((expression) => expression.test(origin));
  const addHeaders = ({ headers: { origin } }: Exchange, { headers }: Reply): void => {
    if (strictTransportSecurity.length > 0) headers['strict-transport-security'] = strictTransportSecurity.join('; ');
    if (isAllowed(origin)) Object.assign(headers, { 'access-control-allow-origin': origin }, allowed);
  };
  return {
    addHeaders,
    preflight(exchange) {
      if (exchange.method !== 'OPTIONS' || !isAllowed(exchange.headers['origin'])) return undefined;
      const reply: Reply = { status: 204, headers: {} };
      addHeaders(exchange, reply);
      return reply;
    },
  };
}
