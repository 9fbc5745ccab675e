/** How a server serves: limits, times, and what it says to clients whatever they ask. */
import type { FlowControlOptions } from './flowcontrol/flowcontrol.ts';
import type { Feature } from './nonresource/buildmetrics.ts';

/** A watch that does not say how long lives this long, up to twice as long. */
export const defaultMinRequestSeconds = 1_800;

export interface ServingOptions {
  flowControl?: FlowControlOptions;
  /** How long a request may take that is not long-running. Default 60,000. */
  requestTimeoutMs?: number;
  /** A watch that does not say how long lives this long, up to twice as long. Default 1,800. */
  minRequestTimeoutSeconds?: number;
  /** How long requests are still taken once `/readyz` says that the server stops, in milliseconds. Default 0. */
  shutdownDelayMs?: number;
  /** While requests are finished at the end, what comes is told to come again (429). Default false: no connection is taken. */
  shutdownSendRetryAfter?: boolean;
  /** Of HTTP/2 requests, the part whose connection is closed after them, so that clients spread over servers again. Default 0. */
  goawayChance?: number;
  /** So long after the start, steps of it that are not finished do not count for `/livez`. Default 0. */
  livezGraceMs?: number;
  /** Default true. */
  profiling?: boolean;
  /** Origins whose pages may ask (CORS). */
  corsAllowedOrigins?: readonly RegExp[];
  /** Directives of the header `Strict-Transport-Security`. */
  strictTransportSecurity?: readonly string[];
  /** As `kubernetes_feature_enabled` shows them. */
  features?: readonly Feature[];
  /** What other components of this process count, by their names: shown to who asks for `/metrics?component=NAME`. */
  componentMetrics?(component: string): Promise<string> | undefined;
  /** Long answers are compressed for clients that can take it. Default true. */
  compressResponses?: boolean;
}
