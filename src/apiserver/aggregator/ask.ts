/** Questions of this server itself to those behind APIServices. */
import type { APIService } from '../../api/apiregistration/v1/types.gen.ts';
import { plainHttp } from '../../client/plainhttp.ts';
import type { ServerCore } from '../core.ts';
import { dialTls } from '../resources/proxy/dial.ts';
import type { AggregatorOptions } from './aggregator.ts';
import { destinationOf, identityHeaders } from './aggregator.ts';

const timeoutMs = 5000;
const identity = { username: 'system:aggregator', groups: ['system:masters'] };

export interface Answered {
  etag: string;
  /** Undefined when what the client has is still so. */
  body: unknown;
}

/** Gets JSON; `etag` is of what is known already. Fails for every status but 200 and 304. */
export type Ask = (service: APIService, path: string, etag?: string) => Promise<Answered>;

export function createAsk(core: ServerCore, options: AggregatorOptions): Ask {
  return async (service, path, etag = '') => {
    const to = await destinationOf(core, options, service, path);
    const connection = await dialTls(options.dial, to, to.tls ?? {});
    return new Promise((resolve, reject) => {
      const known = etag === '' ? {} : { 'if-none-match': etag };
      const headers = { host: `${to.tls?.servername}`, accept: 'application/json', connection: 'close', ...known, ...identityHeaders(identity) };
      const outgoing = plainHttp().request({ method: 'GET', path, headers, createConnection: () => connection, timeout: timeoutMs });
      outgoing.once('timeout', () => outgoing.destroy(new Error('failing or missing response: timeout')));
      outgoing.once('error', reject);
      outgoing.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const { statusCode, headers: answered } = response;
          if (etag !== '' && statusCode === 304) return resolve({ etag, body: undefined });
          if (statusCode !== 200) {
            const from = `https://${to.host}:${to.port}${path}`;
            return reject(new Error(`failing or missing response from ${from}: bad status from ${from}: ${statusCode}`));
          }
          try {
            resolve({ etag: answered['etag'] ?? '', body: JSON.parse(Buffer.concat(chunks).toString('utf8')) });
          } catch (error) {
            reject(error);
          }
        });
      });
      outgoing.end();
    });
  };
}
