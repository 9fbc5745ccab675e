/** exec, attach and port-forward: finds the container, asks the runtime for a stream, joins the caller to it. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { containerNamed } from '../containers/resources.ts';
import { runtimeMessageOf } from '../context.ts';
import { findContainer } from '../runtime/model.ts';
import type { ServerParts } from './server.ts';
import { passThrough } from './upgrade.ts';
import { type RemoteStreams, relayPortForward, relayRemoteCommand } from './websocket.ts';

/** An answer instead of a stream. */
export class HttpError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface PodTarget {
  namespace: string;
  pod: string;
  uid: string;
  container: string;
}

/** `/exec/<namespace>/<pod>[/<uid>]/<container>`, without the container for ports. */
export function parseTarget(parts: readonly string[], withContainer: boolean): PodTarget {
  const [namespace = '', pod = '', ...rest] = parts;
  const container = withContainer ? (rest.pop() ?? '') : '';
  return { namespace, pod, uid: rest[0] ?? '', container };
}

export function podOf({ manager }: ServerParts, { namespace, pod, uid }: PodTarget) {
  const worker = manager.find(namespace, pod);
  if (!worker || (uid && worker.uid !== uid)) throw new HttpError(404, 'pod does not exist');
  return worker;
}

export async function runningContainer(parts: ServerParts, target: PodTarget): Promise<{ id: string; tty: boolean; stdin: boolean }> {
  const { uid, pod } = podOf(parts, target);
  const found = findContainer(await parts.cache.get(uid), target.container);
  const spec = containerNamed(pod, target.container);
  if (found?.state !== 'running') throw new HttpError(500, `container not found ("${target.container}")`);
  return { id: found.id, tty: spec?.tty ?? false, stdin: spec?.stdin ?? false };
}

/** The kubelet's names of the streams, and the API's. */
function wantedStreams(query: URLSearchParams, tty: boolean): RemoteStreams {
  const flag = (...names: string[]): boolean => names.some((name) => ['1', 'true'].includes(query.get(name) ?? ''));
  const wanted = { stdin: flag('input', 'stdin'), stdout: flag('output', 'stdout'), stderr: flag('error', 'stderr') && !tty, tty };
  if (!wanted.stdin && !wanted.stdout && !wanted.stderr) throw new HttpError(400, 'you must specify at least 1 of stdin, stdout, stderr');
  return wanted;
}

const isWebSocket = ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === 'websocket';

export async function stream(
  parts: ServerParts,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  kind: string,
  segments: readonly string[],
  query: URLSearchParams,
): Promise<void> {
  const { cri } = parts.context;
  const failed = (error: unknown): never => {
    throw new HttpError(500, runtimeMessageOf(error));
  };
  if (kind === 'portForward') {
    const worker = podOf(parts, parseTarget(segments, false));
    const sandbox = (await parts.cache.get(worker.uid)).sandboxes.find(({ ready }) => ready);
    if (!sandbox) throw new HttpError(404, 'pod not found');
    const ports = query
      .getAll('port')
      .concat(query.getAll('ports'))
      .flatMap((text) => text.split(','))
      .map(Number)
      .filter(Boolean);
    const url = await cri.portForward(sandbox.id, ports).catch(failed);
    if (isWebSocket(request)) await relayPortForward(request, socket, head, url, ports);
    else await passThrough(request, socket, head, url);
    return;
  }
  const { id, tty: ofContainer } = await runningContainer(parts, parseTarget(segments, true));
  const asked = ['1', 'true'].includes(query.get('tty') ?? '');
  const wanted = wantedStreams(query, kind === 'attach' ? ofContainer : asked);
  const { stdin, stdout, stderr, tty } = wanted;
  const url = await (kind === 'exec'
    ? cri.exec({ containerId: id, cmd: query.getAll('command'), stdin, stdout, stderr, tty })
    : cri.attach({ containerId: id, stdin, stdout, stderr, tty })
  ).catch(failed);
  if (isWebSocket(request)) await relayRemoteCommand(request, socket, head, url, wanted);
  else await passThrough(request, socket, head, url);
}
