/** Webhooks that a kubeconfig file describes: its cluster is the remote service, its user is how this server shows who it is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createHttpsTransport } from '../../client/https.ts';
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import { readBody, type TransportResponse } from '../../client/transport.ts';
import { transportText } from '../admission/webhook/errors.ts';
import { ConfigurationError } from './load.ts';

export interface Webhook {
  /** The answer's parsed body. Asks again, up to five times in all, where the failure looks like one that passes. */
  post(body: unknown): Promise<unknown>;
  close(): void;
}

export interface WebhookOptions {
  flag: string;
  kubeconfig: string;
  /** For one attempt. Default 30 s. */
  timeoutMs?: number;
  /** Before the first repetition; half as long again before each further one. Default 500. */
  backoffMs?: number;
  /** Asks again whatever the failure was. */
  retryAlways?: boolean;
}

const attempts = 5;
const backoffFactor = 1.5;
const jitter = 0.2;

class WebhookError extends Error {
  /** Another attempt may go well. */
  readonly passing: boolean;
  constructor(message: string, passing: boolean, options?: ErrorOptions) {
    super(message, options);
    this.passing = passing;
  }
}

/** @throws {ConfigurationError} when the file is no usable kubeconfig */
export async function createWebhook({ flag, kubeconfig, timeoutMs = 30_000, backoffMs = 500, retryAlways = false }: WebhookOptions): Promise<Webhook> {
  const { transport: options } = await loadKubeconfig(kubeconfig).catch((error: Error) => {
    throw new ConfigurationError(flag, kubeconfig, error.message, { cause: error });
  });
  let url: URL;
  try {
    url = new URL(options.server);
  } catch (error) {
    throw new ConfigurationError(flag, kubeconfig, `${JSON.stringify(options.server)} is no URL`, { cause: error });
  }
  const transport = createHttpsTransport({ ...options, connectTimeoutMs: timeoutMs, responseTimeoutMs: timeoutMs });
  const path = `${url.pathname === '/' ? '/' : ''}${timeoutMs > 0 ? `?timeout=${timeoutMs % 1000 === 0 ? `${timeoutMs / 1000}s` : `${timeoutMs}ms`}` : ''}`;

  async function once(body: Buffer): Promise<unknown> {
    let response: TransportResponse;
    let text: string;
    try {
      const headers = { 'content-type': 'application/json', accept: 'application/json', 'user-agent': 'kube-apiserver' };
      response = await transport.request({ method: 'POST', path, headers, body, signal: AbortSignal.timeout(timeoutMs) });
      text = (await readBody(response)).toString('utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new WebhookError(`Post ${JSON.stringify(`${options.server}${path}`)}: ${transportText(error)}`, code === 'ECONNRESET', { cause: error });
    }
    const { status } = response;
    if (status < 200 || status > 299) {
      const passing = status === 429 || status === 500 || status === 504 || response.headers['retry-after'] !== undefined;
      throw new WebhookError(statusText(status, text), passing);
    }
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new WebhookError(`couldn't get version/kind; json parse error: ${(error as Error).message}`, false, { cause: error });
    }
  }

  return {
    async post(payload) {
      const body = Buffer.from(JSON.stringify(payload));
      for (let attempt = 1, wait = backoffMs; ; attempt++, wait *= backoffFactor) {
        try {
          return await once(body);
        } catch (error) {
          if (attempt >= attempts || !(retryAlways || (error as WebhookError).passing)) throw error;
          await sleep(wait * (1 + Math.random() * jitter));
        }
      }
    },
    close: () => void transport.close(),
  };
}

function statusText(status: number, text: string): string {
  if (status === 404) return 'the server could not find the requested resource';
  if (status === 429) return 'the server has received too many requests and has asked us to try again later';
  return status >= 500
    ? `an error on the server (${JSON.stringify(text.slice(0, 1000))}) has prevented the request from succeeding`
    : `the server rejected our request for an unknown reason (${status})`;
}
