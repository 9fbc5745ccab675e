/** One probe of one container: exec, HTTP, TCP or gRPC. Output is worded as upstream's, since it stands in events. */
import { connect } from 'node:net';
import type { Container, Pod, Probe } from '../../api/core/v1/types.gen.ts';
import { expand } from '../containers/expansion.ts';
import { describePod, type KubeletContext, messageOf } from '../context.ts';
import { isDeadlineExceeded } from '../cri/client.ts';
import { grpcHealth } from './grpc.ts';
import { hostPort, httpRequest, portOf } from './http.ts';

export interface ProbeOutcome {
  /** A warning counts as a success, and is told. */
  result: 'success' | 'warning' | 'failure' | 'unknown';
  output: string;
}

export interface ProbeTarget {
  pod: Pod;
  container: Container;
  containerId: string;
  podIp: string;
}

const success = (output = ''): ProbeOutcome => ({ result: 'success', output });
const failure = (output: string): ProbeOutcome => ({ result: 'failure', output });

const maxOutput = 10 * 1024;

async function probeExec({ cri }: KubeletContext, { container, containerId }: ProbeTarget, command: readonly string[], seconds: number): Promise<ProbeOutcome> {
  const env = new Map((container.env ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const])));
  const words = command.map((word) => expand(word, (name) => env.get(name)));
  try {
    const { stdout, stderr, exitCode } = await cri.execSync(containerId, words, seconds);
    const output = Buffer.concat([stdout, stderr]).subarray(0, maxOutput).toString();
    return exitCode === 0 ? success(output) : failure(output);
  } catch (error) {
    if (isDeadlineExceeded(error)) return failure(`command timed out: ${JSON.stringify(words.join(' '))} timed out after ${seconds}s`);
    throw error;
  }
}

async function probeHttp(
  context: KubeletContext,
  { container, podIp }: ProbeTarget,
  action: NonNullable<Probe['httpGet']>,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const { host, path = '/', port, scheme = 'HTTP', httpHeaders = [] } = action;
  const [, minor = '36'] = /^v?1\.(\d+)/.exec(context.options.kubernetesVersion ?? '') ?? [];
  const request = {
    host: host || podIp,
    port: portOf(port, container),
    path: path || '/',
    headers: httpHeaders,
    secure: scheme.toUpperCase() === 'HTTPS',
    userAgent: `kube-probe/1.${minor}`,
    timeoutMs,
  };
  try {
    const { status, body } = await httpRequest(request);
    if (status >= 300 && status < 400) return { result: 'warning', output: `Probe terminated redirects, Response body: ${body}` };
    if (status >= 200 && status < 300) return success(body);
    return failure(`HTTP probe failed with statuscode: ${status}`);
  } catch (error) {
    return failure(messageOf(error));
  }
}

function probeTcp({ container, podIp }: ProbeTarget, action: NonNullable<Probe['tcpSocket']>, timeoutMs: number): Promise<ProbeOutcome> {
  const target = { host: action.host || podIp, port: portOf(action.port, container) };
  return new Promise((resolve) => {
    const socket = connect(target);
    const end = (outcome: ProbeOutcome): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => end(failure(`dial tcp ${hostPort(target)}: i/o timeout`)), timeoutMs);
    socket.once('connect', () => end(success()));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      end(failure(`dial tcp ${hostPort(target)}: connect: ${error.code === 'ECONNREFUSED' ? 'connection refused' : error.message}`)),
    );
  });
}

/** Throws when the probe itself could not be made; the container is then neither well nor ill. */
export async function runProbe(context: KubeletContext, target: ProbeTarget, probe: Probe): Promise<ProbeOutcome> {
  const seconds = probe.timeoutSeconds ?? 1;
  if (probe.exec) return probeExec(context, target, probe.exec.command ?? [], seconds);
  if (probe.httpGet) return probeHttp(context, target, probe.httpGet, seconds * 1000);
  if (probe.tcpSocket) return probeTcp(target, probe.tcpSocket, seconds * 1000);
  if (probe.grpc) return grpcHealth({ host: target.podIp, port: probe.grpc.port, service: probe.grpc.service ?? '', timeoutMs: seconds * 1000 });
  throw new Error(`missing probe handler for ${describePod(target.pod)}:${target.container.name}`);
}
