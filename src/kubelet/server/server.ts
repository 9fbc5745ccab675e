/** The kubelet's HTTPS server: logs, exec, attach and port-forward for the API server, statistics and metrics for monitors. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import type { PodCgroups } from '../cgroups/pods.ts';
import { type KubeletContext, messageOf } from '../context.ts';
import type { PodManager } from '../podworker/manager.ts';
import type { ProbeManager } from '../probes/manager.ts';
import type { RuntimeCache } from '../runtime/cache.ts';
import type { StatusManager } from '../status/manager.ts';
import type { VolumeManager } from '../volumes/manager.ts';
import { createGate, Refused } from './auth.ts';
import { expiresSoon, selfSignedCertificate } from './certificate.ts';
import { respond } from './routes.ts';
import type { ServingCertificate } from './servingcertificate.ts';
import { HttpError, stream } from './streaming.ts';
import { UpgradeRefused } from './upgrade.ts';

export interface ServerParts {
  context: KubeletContext;
  manager: PodManager;
  cache: RuntimeCache;
  statuses: StatusManager;
  cgroups: PodCgroups;
  probes: ProbeManager;
  volumes: VolumeManager;
  /** Where the cluster signs the server's certificate on request. */
  serving?: ServingCertificate;
  /** What is wrong with the kubelet itself; empty when it is well. */
  problems(): string[];
}

export interface KubeletServer {
  port: number;
  /** Looks at once whether there is another certificate. */
  renew(): void;
  close(): Promise<void>;
}

type Pair = { cert: string | Buffer; key: string | Buffer };
const renewalCheckMs = 600_000;
/** Commands for exec are part of the path, and may be long: what Go's servers take. */
const maxHeaderSize = 1 << 20;

const statusOf = (error: unknown): number => (error instanceof HttpError || error instanceof Refused || error instanceof UpgradeRefused ? error.status : 500);

export async function createKubeletServer(parts: ServerParts): Promise<KubeletServer> {
  const { options, log } = parts.context;
  const { server: settings, nodeName, nodeIps } = options;
  const own = (): Pair => selfSignedCertificate(options.hostname ?? nodeName, nodeIps);
  const given = settings.cert && settings.key ? { cert: settings.cert, key: settings.key } : undefined;
  // Until the first request has been signed there is none, and nobody can talk to the server: as with upstream's.
  const wanted = (now?: Pair): Pair | undefined =>
    parts.serving ? parts.serving.current() : (settings.current?.() ?? given ?? (now && !expiresSoon(now.cert, new Date()) ? now : own()));
  let pair = wanted();
  const gate = createGate(parts.context);
  const sockets = new Set<Duplex>();

  const parse = (request: IncomingMessage): { path: string; query: URLSearchParams } => {
    const url = new URL(request.url ?? '/', 'https://kubelet');
    return { path: url.pathname, query: url.searchParams };
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { path, query } = parse(request);
      await gate(request, path);
      await respond(parts, request, response, path, query);
    } catch (error) {
      if (statusOf(error) === 500) log.debug({ url: request.url, err: messageOf(error) }, 'a request to the kubelet failed');
      if (response.headersSent) response.destroy();
      else response.writeHead(statusOf(error), { 'content-type': 'text/plain; charset=utf-8' }).end(messageOf(error));
    }
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    try {
      const { path, query } = parse(request);
      await gate(request, path);
      const [, kind = '', ...segments] = path.split('/').map(decodeURIComponent);
      if (!['exec', 'attach', 'portForward'].includes(kind)) throw new HttpError(404, '404 page not found');
      await stream(parts, request, socket, head, kind, segments, query);
    } catch (error) {
      const body = messageOf(error);
      socket.end(
        `HTTP/1.1 ${statusOf(error)} Error\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
    }
  }

  const tls = { maxHeaderSize, ...pair, ...(settings.clientCa ? { ca: settings.clientCa } : {}), requestCert: true, rejectUnauthorized: false };
  const server: Server = createServer(tls, (request, response) => void answer(request, response));
  server.on('upgrade', (request, socket, head) => void upgrade(request, socket, head));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(settings.port, settings.address ?? '0.0.0.0', resolve));
  /** Connections that stand keep the certificate that they began with. */
  function renew(): void {
    const next = wanted(pair);
    if (!next || String(next.cert) === String(pair?.cert)) return;
    pair = next;
    server.setSecureContext({ ...tls, ...pair });
    log.info({ node: nodeName }, "the server's certificate was renewed");
  }
  const renewal = setInterval(renew, renewalCheckMs);
  renewal.unref();
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : settings.port,
    renew,
    close: async () => {
      clearInterval(renewal);
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
