/** Requests over HTTPS, to whichever server. */
import type { IncomingHttpHeaders } from 'node:http';
import https from 'node:https';

export interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
  /** Of a watch: read so many lines, then go. */
  events?: number;
}

export interface Received {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export type Send = (request: Sent) => Promise<Received>;

export interface Target {
  url: string;
  ca?: string;
  token?: string;
  cert?: string;
  key?: string;
}

/** A watch that doesn't bring what was asked for within this time ends with what it brought. */
const watchPatience = 3000;

/** `close` ends its connections. */
export function httpsSend(target: Target): { send: Send; close(): void } {
  const agent = new https.Agent({ keepAlive: true, ca: target.ca, cert: target.cert, key: target.key, rejectUnauthorized: target.ca !== undefined });
  const send: Send = ({ method, path, headers, body, events }) =>
    new Promise((resolve, reject) => {
      const request = https.request(`${target.url}${path}`, {
        method,
        agent,
        headers: {
          ...(target.token ? { authorization: `Bearer ${target.token}` } : {}),
          // Node leaves it out for a DELETE, which would end the request before its body.
          ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
          ...headers,
        },
      });
      request.once('error', reject);
      request.once('response', (response) => {
        let text = '';
        let timer: NodeJS.Timeout | undefined;
        const done = (): void => {
          clearTimeout(timer);
          const wanted = events === undefined ? text : text.split('\n').slice(0, events).join('\n');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: wanted });
        };
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          if (events === undefined || text.split('\n').length <= events) return;
          done();
          request.destroy();
        });
        response.once('error', events === undefined ? reject : done);
        response.once('end', done);
        if (events !== undefined && response.statusCode === 200)
          timer = setTimeout(() => {
            done();
            request.destroy();
          }, watchPatience);
      });
      request.end(body);
    });
  return { send, close: () => agent.destroy() };
}
