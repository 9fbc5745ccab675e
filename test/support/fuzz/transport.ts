/** The fuzzer's own clients: HTTP/1.1, HTTP/2, and bytes on a TLS connection. */
import { connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import https from 'node:https';
import { connect as connectTls } from 'node:tls';
import type { TestControlPlane } from '../controlplane.ts';
import type { FuzzRequest } from './requests.ts';

export interface FuzzAnswer {
  status: number;
  contentType: string;
  body: Buffer;
  /** Only its beginning was read: a watch, a body that never ends. */
  partial: boolean;
}

export interface Transport {
  http1(request: FuzzRequest): Promise<FuzzAnswer>;
  http2(request: FuzzRequest): Promise<FuzzAnswer>;
  /** Bytes as they are; resolves when the server answered or hung up. */
  raw(bytes: Buffer): Promise<void>;
  close(): void;
}

/** No answer for so long is a hang, in milliseconds. */
export const hangMs = 60_000;

class HangError extends Error {}

const timely = <T>(what: string, promise: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new HangError(`no answer in ${hangMs / 1000} s to ${what}`)), hangMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

/** What no client library sends, percent-encoded; the rest as it is. */
const pathOf = (path: string): string => path.toWellFormed().replaceAll(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character));

const isStream = (path: string): boolean => /watch|follow/.test(path);

export function createTransport({ controlPlane, pki }: TestControlPlane): Transport {
  const tls = { ca: pki.ca.certificate, cert: pki.leaves.admin.certificate, key: pki.leaves.admin.key };
  const agent = new https.Agent({ keepAlive: true, maxSockets: 4 });
  let session: ReturnType<typeof connectHttp2> | undefined;

  function sessionOf(): NonNullable<typeof session> {
    if (!session || session.closed || session.destroyed) {
      session = connectHttp2(controlPlane.url, tls);
      session.on('error', () => {});
    }
    return session;
  }

  const http1 = ({ method, path, headers, body }: FuzzRequest): Promise<FuzzAnswer> =>
    new Promise((resolve, reject) => {
      const sent = { ...headers, ...(body ? { 'content-length': String(body.length) } : {}) };
      const request = https.request(`${controlPlane.url}/`, { ...tls, agent, method, path: pathOf(path), headers: sent });
      request.once('error', reject);
      request.once('response', (response) => {
        const chunks: Buffer[] = [];
        const done = (partial: boolean): void =>
          resolve({ status: response.statusCode ?? 0, contentType: response.headers['content-type'] ?? '', body: Buffer.concat(chunks), partial });
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        if (isStream(path) && response.statusCode === 200) {
          done(true);
          response.destroy();
        } else response.once('end', () => done(false));
      });
      request.end(body);
    });

  const http2 = ({ method, path, headers, body }: FuzzRequest): Promise<FuzzAnswer> =>
    new Promise((resolve, reject) => {
      const { connection: _, 'transfer-encoding': __, upgrade: ___, expect: ____, ...rest } = headers;
      const stream = sessionOf().request({ ':method': method, ':path': pathOf(path), ...rest } as OutgoingHttpHeaders, { endStream: body === undefined });
      const chunks: Buffer[] = [];
      let status = 0;
      let contentType = '';
      const done = (partial: boolean): void => resolve({ status, contentType, body: Buffer.concat(chunks), partial });
      stream.once('error', reject);
      stream.once('response', (answered) => {
        status = Number(answered[':status']);
        contentType = String(answered['content-type'] ?? '');
        if (!isStream(path) || status !== 200) return;
        done(true);
        stream.close();
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('close', () => (status === 0 ? reject(new Error('the stream was reset')) : done(false)));
      if (body) stream.end(body);
    });

  const raw = (bytes: Buffer): Promise<void> =>
    new Promise((resolve) => {
      const url = new URL(controlPlane.url);
      const socket = connectTls({ ...tls, host: url.hostname, port: Number(url.port), ALPNProtocols: ['http/1.1'] }, () => socket.end(bytes));
      socket.once('error', () => socket.destroy());
      socket.once('data', () => socket.destroy());
      socket.once('close', () => resolve());
    });

  const what = ({ area, method, path }: FuzzRequest): string => `${area}: ${method} ${path.slice(0, 300)}`;
  return {
    http1: (request) => timely(what(request), http1(request)),
    http2: (request) => timely(what(request), http2(request)),
    raw: (bytes) => timely(`raw bytes ${bytes.subarray(0, 300).toString('latin1')}`, raw(bytes)),
    close() {
      agent.destroy();
      session?.destroy();
    },
  };
}
