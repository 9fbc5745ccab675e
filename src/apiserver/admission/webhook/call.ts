/** Posting JSON to a webhook: over TLS, to a ready endpoint of its service or to its URL. */
import { Agent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebhookClientConfig } from '../../../api/admissionregistration/v1/types.gen.ts';
import type { ObjectReader } from '../../contracts.ts';
import { type Dial, type DialTarget, dialTls } from '../../resources/proxy/dial.ts';
import { resolveServiceName } from '../../resources/proxy/service.ts';
import { transportText } from './errors.ts';

export interface WebhookTransport {
  /**
   * The answer's parsed body.
   * @param seconds until it is given up
   * @throws `Error` in the words of upstream's client
   */
  post(config: WebhookClientConfig, body: unknown, seconds: number): Promise<unknown>;
}

interface Endpoint {
  url: URL;
  target(): Promise<DialTarget>;
  agent: Agent;
}

/** Idle connections are kept this long, in milliseconds: less than servers do. */
const idleMs = 30_000;
const maxAnswer = 8 << 20;
const maxEndpoints = 200;

export function createWebhookTransport(reader: ObjectReader, dial: Dial): WebhookTransport {
  const endpoints = new Map<string, Endpoint>();

  function agentFor(servername: string, ca: string | undefined, target: () => Promise<DialTarget>): Agent {
    const agent = new Agent({ keepAlive: true, timeout: idleMs });
    const connect = async (): Promise<Duplex> =>
      dialTls(dial, await target(), { ...(isIP(servername) ? { host: servername } : { servername }), ...(ca ? { ca } : {}) });
    agent.createConnection = (_options, callback) => {
      connect().then(
        (socket) => callback?.(null, socket),
        (error: Error) => callback?.(error, undefined as unknown as Duplex),
      );
      return undefined;
    };
    return agent;
  }

  function makeEndpoint({ service, url, caBundle }: WebhookClientConfig): Endpoint {
    const ca = caBundle ? Buffer.from(caBundle, 'base64').toString('utf8') : undefined;
    if (service) {
      const { name, namespace, port = 443, path = '' } = service;
      const servername = `${name}.${namespace}.svc`;
      const target = (): Promise<DialTarget> => resolveServiceName(reader, namespace, name, port);
      return {
        url: new URL(`https://${servername}:${port}${path.startsWith('/') || path === '' ? path : `/${path}`}`),
        target,
        agent: agentFor(servername, ca, target),
      };
    }
    if (!url) throw new Error('webhook configuration must have either service or URL');
    const parsed = new URL(url);
    const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
    const target = async (): Promise<DialTarget> => ({ host, port: Number(parsed.port) || 443 });
    return { url: parsed, target, agent: agentFor(host, ca, target) };
  }

  function endpointFor(config: WebhookClientConfig): Endpoint {
    const key = JSON.stringify(config);
    let endpoint = endpoints.get(key);
    if (!endpoint) {
      endpoint = makeEndpoint(config);
      if (endpoints.size >= maxEndpoints) {
        for (const { agent } of endpoints.values()) agent.destroy();
        endpoints.clear();
      }
      endpoints.set(key, endpoint);
    }
    return endpoint;
  }

  function send({ url, agent }: Endpoint, body: Buffer, timeout: string, signal: AbortSignal): Promise<{ status: number; text: string; reused: boolean }> {
    return new Promise((resolve, reject) => {
      const request = httpsRequest({
        agent,
        method: 'POST',
        host: url.hostname,
        port: Number(url.port) || 443,
        path: `${url.pathname}?${new URLSearchParams([...url.searchParams, ['timeout', timeout]])}`,
        headers: { 'content-type': 'application/json', accept: 'application/json', 'content-length': body.length, 'user-agent': 'kube-apiserver-admission' },
        signal,
      });
      request.once('error', (error) => reject(Object.assign(error, { reused: request.reusedSocket })));
      request.once('response', (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxAnswer) request.destroy(new Error(`the answer is larger than ${maxAnswer} bytes`));
          else chunks.push(chunk);
        });
        response.once('error', reject);
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8'), reused: request.reusedSocket }));
      });
      request.end(body);
    });
  }

  async function attempt(endpoint: Endpoint, body: Buffer, seconds: number): Promise<{ status: number; text: string }> {
    const signal = AbortSignal.timeout(seconds * 1000);
    const timeout = `${seconds}s`;
    try {
      return await send(endpoint, body, timeout, signal);
    } catch (error) {
      // The other side may close an idle connection just when it is used again: that says nothing about the webhook.
      if ((error as { reused?: boolean }).reused && !signal.aborted) return send(endpoint, body, timeout, signal);
      throw signal.aborted ? signal.reason : error;
    }
  }

  return {
    async post(config, payload, seconds) {
      const endpoint = endpointFor(config);
      let answer: { status: number; text: string };
      try {
        answer = await attempt(endpoint, Buffer.from(JSON.stringify(payload)), seconds);
      } catch (error) {
        const shown = `${endpoint.url.href}${endpoint.url.search ? '&' : '?'}timeout=${seconds}s`;
        throw new Error(`Post ${JSON.stringify(shown)}: ${transportText(error)}`, { cause: error });
      }
      if (answer.status < 200 || answer.status > 299) throw new Error(statusText(answer.status, answer.text));
      try {
        return JSON.parse(answer.text);
      } catch (error) {
        throw new Error(`couldn't get version/kind; json parse error: ${(error as Error).message}`, { cause: error });
      }
    },
  };
}

function statusText(status: number, text: string): string {
  if (status === 404) return 'the server could not find the requested resource';
  return status >= 500
    ? `an error on the server (${JSON.stringify(text.slice(0, 1000))}) has prevented the request from succeeding`
    : `the server rejected our request for an unknown reason (${status})`;
}
