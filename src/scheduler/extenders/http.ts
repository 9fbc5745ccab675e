/** JSON over HTTP or HTTPS to an extender. */
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { parseDuration } from '../../apimachinery/duration.ts';
import type { ExtenderConfiguration } from '../config/types.ts';

const defaultTimeoutMs = 5_000;

const pem = (data: string | undefined, file: string | undefined): Buffer | undefined =>
  data ? Buffer.from(data, 'base64') : file ? readFileSync(file) : undefined;

function agentOf({ urlPrefix, tlsConfig = {} }: ExtenderConfiguration): HttpAgent | HttpsAgent {
  if (!urlPrefix.startsWith('https:')) return new HttpAgent({ keepAlive: true });
  const ca = pem(tlsConfig.caData, tlsConfig.caFile);
  const cert = pem(tlsConfig.certData, tlsConfig.certFile);
  const key = pem(tlsConfig.keyData, tlsConfig.keyFile);
  return new HttpsAgent({
    keepAlive: true,
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(tlsConfig.serverName ? { servername: tlsConfig.serverName } : {}),
    // Without a CA there is nothing to check the certificate against, as upstream has it.
    rejectUnauthorized: !tlsConfig.insecure && ca !== undefined,
  });
}

/** Sends `body` to one of the extender's verbs. Rejects when there is no answer in time, or one that is not 200. */
export function createSender(configuration: ExtenderConfiguration): { send<T>(verb: string, body: unknown): Promise<T>; close(): void } {
  const agent = agentOf(configuration);
  const prefix = configuration.urlPrefix.replace(/\/+$/, '');
  const request = agent instanceof HttpsAgent ? httpsRequest : httpRequest;
  const timeoutMs = parseDuration(configuration.httpTimeout ?? '0s') || defaultTimeoutMs;
  return {
    send<T>(verb: string, body: unknown): Promise<T> {
      const url = `${prefix}/${verb}`;
      const content = Buffer.from(JSON.stringify(body));
      const headers = { 'content-type': 'application/json', 'content-length': content.length };
      return new Promise<T>((resolve, reject) => {
        const fail = (error: Error): void => reject(new Error(`Post "${url}": ${error.message}`, { cause: error }));
        const asking = request(url, { method: 'POST', agent, headers, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('error', fail);
          response.once('end', () => {
            if (response.statusCode !== 200) {
              reject(new Error(`failed ${verb} with extender at URL ${url}, code ${response.statusCode}`));
              return;
            }
            try {
              resolve(JSON.parse(Buffer.concat(chunks).toString()) as T);
            } catch (error) {
              fail(error as Error);
            }
          });
        });
        asking.once('error', fail);
        asking.end(content);
      });
    },
    close: () => agent.destroy(),
  };
}
