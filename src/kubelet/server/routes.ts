/** What the kubelet answers to plain requests, path by path. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { containerNamed } from '../containers/resources.ts';
import { messageOf, runtimeMessageOf } from '../context.ts';
import { isRuntimeNotFound } from '../cri/client.ts';
import { cadvisorMetrics } from './cadvisor.ts';
import { checkpoint } from './checkpoint.ts';
import { configz } from './configz.ts';
import { loggedContainer, logOptions, readLog } from './logs.ts';
import { kubeletMetrics, probeMetrics, resourceMetrics } from './metrics.ts';
import type { ServerParts } from './server.ts';
import { statsSummary } from './stats.ts';
import { HttpError, parseTarget, podOf, runningContainer } from './streaming.ts';
import { systemLogs } from './systemlogs.ts';

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function plain(response: ServerResponse, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(200, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(body);
}

const prometheus = 'text/plain; version=0.0.4; charset=utf-8';

/** Throws what is answered as an error. */
export async function respond(parts: ServerParts, request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams): Promise<void> {
  const [, first = '', ...segments] = path.replace(/\/$/, '').split('/').map(decodeURIComponent);
  switch (path.replace(/(.)\/$/, '$1')) {
    case '/healthz': {
      const problems = parts.problems();
      if (problems.length) throw new HttpError(500, problems.join('\n'));
      return plain(response, 'ok');
    }
    case '/healthz/ping':
    case '/healthz/log':
      return plain(response, 'ok');
    case '/healthz/syncloop':
      return plain(response, 'ok');
    case '/pods':
      return json(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: podsWithStatus(parts) });
    case '/runningpods':
      return json(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: await runningPods(parts) });
    case '/configz':
      return json(response, configz(parts.context));
    case '/stats/summary':
      return json(response, await statsSummary(parts));
    case '/metrics':
      return plain(response, kubeletMetrics(parts, await statsSummary(parts)), prometheus);
    case '/metrics/cadvisor':
      return plain(response, await cadvisorMetrics(parts), prometheus);
    case '/metrics/resource':
      return plain(response, resourceMetrics(await statsSummary(parts, false)), prometheus);
    case '/metrics/probes':
      return plain(response, probeMetrics(parts.probes.counts()), prometheus);
  }
  if (first === 'logs') return systemLogs(parts, request, response, path);
  if (first === 'containerLogs' && segments.length === 3) return containerLogs(parts, response, segments, query);
  if (first === 'checkpoint' && segments.length === 3) {
    if (request.method !== 'POST') throw new HttpError(405, '405: Method Not Allowed');
    return json(response, await checkpoint(parts, segments, query));
  }
  if (first === 'run' && request.method === 'POST') return run(parts, response, segments, query);
  if (['exec', 'attach', 'portForward'].includes(first)) throw new HttpError(400, 'Upgrade request required');
  throw new HttpError(404, '404 page not found');
}

const podsWithStatus = ({ manager, statuses }: ServerParts) =>
  manager.list().map(({ pod, uid }) => ({ apiVersion: 'v1', kind: 'Pod', ...pod, status: statuses.get(uid) ?? pod.status }));

async function runningPods({ manager, cache }: ServerParts) {
  const found = await Promise.all(
    manager.list().map(async ({ pod, uid }) => ({ pod, containers: (cache.last(uid)?.containers ?? []).filter(({ state }) => state === 'running') })),
  );
  return found
    .filter(({ containers }) => containers.length > 0)
    .map(({ pod: { metadata }, containers }) => ({
      metadata: { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid, creationTimestamp: null },
      spec: { containers: containers.map(({ name, image }) => ({ name, image, resources: {} })) },
      status: {},
    }));
}

async function containerLogs(parts: ServerParts, response: ServerResponse, segments: readonly string[], query: URLSearchParams): Promise<void> {
  const { context, statuses } = parts;
  const [namespace = '', name = '', container = ''] = segments;
  const worker = parts.manager.find(namespace, name);
  if (!worker) throw new HttpError(404, `pod "${name}" does not exist`);
  if (!containerNamed(worker.pod, container)) throw new HttpError(404, `container "${container}" not found in pod "${name}"`);
  let id: string;
  let options: ReturnType<typeof logOptions>;
  try {
    options = logOptions(query, Date.now());
    id = loggedContainer(name, statuses.get(worker.uid) ?? worker.pod.status ?? {}, container, options.previous);
  } catch (error) {
    throw new HttpError(400, messageOf(error));
  }
  const status = await context.cri.containerStatus(id).catch((error: unknown) => {
    throw new HttpError(isRuntimeNotFound(error) ? 400 : 500, `unable to retrieve container logs for ${context.runtime.name}://${id}`);
  });
  const running = async (): Promise<boolean> => {
    try {
      const { state } = await context.cri.containerStatus(id);
      return state === 'CONTAINER_RUNNING' || state === 'CONTAINER_CREATED';
    } catch (error) {
      if (isRuntimeNotFound(error)) return false;
      throw error;
    }
  };
  const closed = new AbortController();
  response.on('close', () => closed.abort());
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  response.flushHeaders();
  const write = async (chunk: string): Promise<void> => {
    if (!response.write(chunk) && !closed.signal.aborted) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  };
  try {
    await readLog({ path: status.logPath ?? '', running }, options, write, closed.signal);
    response.end();
  } catch (error) {
    response.end(`failed to try resolving symlinks in path "${status.logPath}": ${messageOf(error)}`);
  }
}

async function run(parts: ServerParts, response: ServerResponse, segments: readonly string[], query: URLSearchParams): Promise<void> {
  const target = parseTarget(segments, true);
  podOf(parts, target);
  const { id } = await runningContainer(parts, target);
  const { stdout, stderr } = await parts.context.cri.execSync(id, (query.get('cmd') ?? '').split(' '), 0).catch((error: unknown) => {
    throw new HttpError(500, runtimeMessageOf(error));
  });
  plain(response, Buffer.concat([stdout, stderr]).toString());
}
