/** HTTP requests of probes and hooks: no verification of certificates, no reuse of connections, a limit on what is read. */
import http from 'node:http';
import https from 'node:https';
import type { Container } from '../../api/core/v1/types.gen.ts';

export interface ProbeRequest {
  host: string;
  port: number;
  path: string;
  headers: readonly { name: string; value: string }[];
  secure: boolean;
  userAgent: string;
  timeoutMs: number;
}

const maxBody = 10 * 1024;

/** A number, or the name of one of the container's ports; throws when there is none. */
export function portOf(port: string | number, container: Pick<Container, 'ports'>): number {
  if (typeof port === 'number') return checked(port);
  const named = container.ports?.find(({ name }) => name === port);
  if (named) return checked(named.containerPort);
  if (/^\d+$/.test(port)) return checked(Number(port));
  throw new Error(`couldn't find port: ${port}`);
}

function checked(port: number): number {
  if (port <= 0 || port >= 65536) throw new Error(`invalid port number: ${port}`);
  return port;
}

/** Follows redirects to the same host only; one to another host counts as an answer, as upstream has it. */
export async function httpRequest(request: ProbeRequest, redirects = 10): Promise<{ status: number; body: string; location?: string }> {
  const answer = await once(request);
  const { status, location } = answer;
  if (status < 300 || status >= 400 || !location) return answer;
  const base = `${request.secure ? 'https' : 'http'}://${hostPort(request)}${request.path}`;
  const next = new URL(location, base);
  const from = new URL(base);
  if (next.hostname !== from.hostname) return answer;
  if (redirects === 0) throw new Error('stopped after 10 redirects');
  return httpRequest(
    { ...request, secure: next.protocol === 'https:', port: Number(next.port) || (next.protocol === 'https:' ? 443 : 80), path: next.pathname + next.search },
    redirects - 1,
  );
}

export const hostPort = ({ host, port }: { host: string; port: number }): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

function once({ host, port, path, headers, secure, userAgent, timeoutMs }: ProbeRequest): Promise<{ status: number; body: string; location?: string }> {
  const own: Record<string, string> = { 'user-agent': userAgent, accept: '*/*', connection: 'close' };
  for (const { name, value } of headers) {
    const key = name.toLowerCase();
    if (value === '' && (key === 'accept' || key === 'user-agent')) delete own[key];
    else own[key] = value;
  }
  const target = path.startsWith('/') ? path : `/${path}`;
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string; location?: string }>();
  const options = {
    host,
    port,
    path: escapePath(target),
    headers: own,
    agent: false,
    rejectUnauthorized: false,
    ...(own['host'] && secure ? { servername: own['host'].split(':')[0] } : {}),
  };
  const request = (secure ? https : http).get(options, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      if (body.length < maxBody) body += chunk;
      else response.destroy();
    });
    const finish = (): void =>
      resolve({ status: response.statusCode ?? 0, body, ...(response.headers.location ? { location: response.headers.location } : {}) });
    response.on('close', finish).on('end', finish).on('error', reject);
  });
  const url = `${secure ? 'https' : 'http'}://${hostPort({ host, port })}${target}`;
  const timer = setTimeout(
    () => request.destroy(new Error(`Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`)),
    timeoutMs,
  );
  request.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED') error.message = `Get "${url}": dial tcp ${hostPort({ host, port })}: connect: connection refused`;
    reject(error);
  });
  return promise.finally(() => clearTimeout(timer));
}

/** Escapes what may not stand in a request; what is escaped already stays. */
const escapePath = (path: string): string => path.replace(/[^\x21-\x7e]|%(?![0-9a-fA-F]{2})/gu, encodeURIComponent);
