/** An OpenID Connect issuer on loopback, and requests as those who bring credentials. Only for tests. */
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { createHttpsTransport } from '../../client/https.ts';
import { readBody } from '../../client/transport.ts';
import { startTestServer } from '../testing/server.ts';
import { selfSigned } from '../testing/tls.ts';
import { type Authentication, type AuthenticationOptions, createAuthenticator } from './index.ts';

export interface TestIssuer extends AsyncDisposable {
  url: string;
  /** PEM. */
  ca: string;
  /** How often each path was asked for. */
  asked: Map<string, number>;
  /** Signs with the newest key. `alg` other than ES256 makes a key for it. */
  token(claims: JWTPayload, audience?: string | string[]): Promise<string>;
  /** Another key from now on; the one before is published no longer. */
  rotate(algorithm?: string): Promise<void>;
  /** More paths. */
  serve(path: string, text: string | (() => string)): void;
}

export async function startTestIssuer(basePath = ''): Promise<TestIssuer> {
  const tls = selfSigned();
  const asked = new Map<string, number>();
  const paths = new Map<string, string | (() => string)>();
  let key: { kid: string; alg: string; pair: Awaited<ReturnType<typeof generateKeyPair>> };
  let keys = 0;
  async function rotate(alg = 'ES256'): Promise<void> {
    const pair = await generateKeyPair(alg, { extractable: true });
    key = { kid: `key-${++keys}`, alg, pair };
    const jwk = { ...(await exportJWK(pair.publicKey)), kid: key.kid, alg, use: 'sig' };
    paths.set('/keys', JSON.stringify({ keys: [jwk] }));
  }
  const answer: RequestListener = (request, response) => {
    const path = request.url ?? '';
    asked.set(path, (asked.get(path) ?? 0) + 1);
    const text = paths.get(path);
    if (text === undefined) response.writeHead(404).end();
    else response.end(typeof text === 'function' ? text() : text);
  };
  const server = createServer({ cert: tls.cert, key: tls.key }, answer);
  const sockets = new Set<Duplex>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await rotate();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${origin}${basePath}`;
  paths.set(`${basePath}/.well-known/openid-configuration`, JSON.stringify({ issuer: url, jwks_uri: `${origin}/keys` }));
  return {
    url,
    ca: tls.cert,
    asked,
    token: (claims, audience = 'kubernetes') =>
      new SignJWT({ iss: url, aud: audience, exp: Math.floor(Date.now() / 1000) + 300, ...claims })
        .setProtectedHeader({ alg: key.alg, kid: key.kid })
        .sign(key.pair.privateKey),
    rotate,
    serve: (path, text) => void paths.set(path, text),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export interface AuthenticatedServer {
  /** Who the server takes somebody with these headers for; `error` when it does not let them in. */
  whoami(headers: Record<string, string>): Promise<{ status: number; user?: any }>;
  as(token: string): ReturnType<AuthenticatedServer['whoami']>;
  get(path: string, headers?: Record<string, string>): Promise<{ status: number; headers: Record<string, string>; body: any }>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<{ status: number; body: any }>;
}

/** Everybody who is known may do everything; requests come over HTTPS. */
export async function withAuthentication(
  options: Omit<AuthenticationOptions, 'reader'>,
  use: (server: AuthenticatedServer) => Promise<void>,
  credentials: { cert?: string; key?: string; clientCa?: string } = {},
): Promise<void> {
  let authentication: Authentication | undefined;
  await using running = await startTestServer({
    async security({ reader }) {
      authentication = await createAuthenticator({ reader, ...options });
      const { authenticate, handlers, paths } = authentication;
      return { authenticate, authorize: () => ({ decision: 'allow', reason: '' }), handlers, paths };
    },
  });
  const tls = selfSigned();
  const { host, port } = await running.server.listen({ port: 0, tls: { ...tls, ...(credentials.clientCa ? { clientCa: credentials.clientCa } : {}) } });
  const { cert, key } = credentials;
  const transport = createHttpsTransport({
    server: `https://${host}:${port}`,
    insecureSkipTlsVerify: true,
    ...(cert && key ? { credentials: { cert, key } } : {}),
  });
  async function ask(method: 'GET' | 'POST', path: string, headers: Record<string, string>, body?: unknown) {
    const bytes = body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) };
    const response = await transport.request({ method, path, headers: { 'content-type': 'application/json', ...headers }, ...bytes });
    const text = (await readBody(response)).toString();
    return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
  }
  const self = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const server: AuthenticatedServer = {
    async whoami(headers) {
      const { status, body } = await ask('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', headers, self);
      return { status, ...(status === 201 ? { user: body.status.userInfo } : {}) };
    },
    as: (token) => server.whoami({ authorization: `Bearer ${token}` }),
    get: (path, headers = {}) => ask('GET', path, headers),
    post: (path, body, headers = {}) => ask('POST', path, headers, body),
  };
  try {
    await use(server);
  } finally {
    await transport.close();
    authentication?.close();
  }
}
