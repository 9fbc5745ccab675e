/** `log`, `exec`, `attach` and `portforward` of a pod: handed on to the kubelet of its node. */
import { nodes } from '../../../api/core/v1/node.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import type { Node, Pod } from '../../../api/core/v1/types.gen.ts';
import { badRequest, invalid, notFound, StatusError } from '../../../apimachinery/errors.ts';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, unnamedField } from '../../../apimachinery/fieldpath.ts';
import type { Authorizer, ObjectReader } from '../../contracts.ts';
import type { Reply } from '../../exchange.ts';
import { isWebSocketUpgrade, replyOverWebSocket } from '../../http/websocketreply.ts';
import { servedObject } from '../../storage/objects.ts';
import { entryFor } from '../../verbs/read.ts';
import type { ResourceHandler, Target } from '../../verbs/target.ts';
import { admitConnect, authorizeUpgrade } from '../proxy/connect.ts';
import type { Dial } from '../proxy/dial.ts';
import { forward } from '../proxy/forward.ts';
import { kubeletOf } from '../proxy/node.ts';

export interface KubeletClientOptions {
  dial: Dial;
  /** PEM: how this server proves to kubelets who it is. */
  cert?: string | Buffer;
  key?: string | Buffer;
  /** PEM of the authority of kubelets' certificates; absent means that they are not verified, as upstream's default. */
  ca?: string | Buffer;
}

export const kubeletTls = ({ cert, key, ca }: KubeletClientOptions) => ({
  ...(cert && key ? { cert, key } : {}),
  ...(ca ? { ca } : {}),
  rejectUnauthorized: ca !== undefined,
  servername: '',
});

async function podOf(target: Target): Promise<Pod> {
  return servedObject(target.resource, await entryFor(target)) as unknown as Pod;
}

const namesOf = (containers: readonly { name: string }[] | undefined): string[] => (containers ?? []).map(({ name }) => name);

/** The container that is meant; a pod with one container needs not be told. Fails with 400. */
export function containerOf({ metadata, spec }: Pod, asked: string): string {
  const [all, init, ephemeral] = [namesOf(spec.containers), namesOf(spec.initContainers), namesOf(spec.ephemeralContainers)];
  if (asked === '') {
    if (all.length === 1 && init.length === 0 && ephemeral.length === 0) return all[0] as string;
    let text = `a container name must be specified for pod ${metadata.name}, choose one of: [${all.join(' ')}]`;
    if (init.length > 0) text += ` or one of the init containers: [${init.join(' ')}]`;
    if (ephemeral.length > 0) text += ` or one of the ephemeral containers: [${ephemeral.join(' ')}]`;
    throw badRequest(text);
  }
  if (![...all, ...init, ...ephemeral].includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${metadata.name}`);
  return asked;
}

const flag = (query: URLSearchParams, name: string): boolean => {
  const value = query.get(name);
  return value !== null && value !== 'false' && value !== '0';
};

async function kubeletOfPod(reader: ObjectReader, pod: Pod) {
  const name = pod.spec.nodeName as string;
  const node = await reader.get<Node>(nodes, '', name);
  if (!node) throw notFound({ group: '', resource: 'nodes' }, name);
  return kubeletOf(node);
}

/** Source of the rule: upstream's `ValidatePodLogOptions`. */
function logErrors(query: URLSearchParams): FieldError[] {
  const errors: FieldError[] = [];
  const positive = (name: string, least: number): void => {
    const text = query.get(name);
    if (text === null) return;
    const value = Number(text);
    if (!Number.isInteger(value)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    if (value < least) errors.push(invalidValue(name, value, least === 0 ? 'must be greater than or equal to 0' : 'must be greater than 0'));
  };
  positive('tailLines', 0);
  positive('limitBytes', 1);
  if (query.has('sinceSeconds') && query.has('sinceTime'))
    errors.push(forbiddenField(unnamedField, 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  else positive('sinceSeconds', 1);
  // One of the two streams: alpha upstream, and off.
  if (query.has('stream')) errors.push(forbiddenField('stream', 'may not be specified'));
  return errors;
}

const logParameters = ['follow', 'previous', 'timestamps', 'sinceSeconds', 'sinceTime', 'tailLines', 'limitBytes'];

export function streamingHandlers(reader: ObjectReader, authorize: Authorizer, client: KubeletClientOptions): ResourceHandler[] {
  const tls = kubeletTls(client);

  async function log(target: Target): Promise<Reply> {
    const { info, exchange } = target.context;
    const pod = await podOf(target);
    const errors = logErrors(info.query);
    if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, info.name, errors);
    const container = containerOf(pod, info.query.get('container') ?? '');
    if (!pod.spec.nodeName) return { status: 204, headers: {} };
    const query = new URLSearchParams();
    for (const name of logParameters) {
      const value = info.query.get(name);
      if (value !== null) query.set(name, name === 'follow' || name === 'previous' || name === 'timestamps' ? String(flag(info.query, name)) : value);
    }
    const kubelet = await kubeletOfPod(reader, pod);
    const text = query.size > 0 ? `?${query}` : '';
    const path = `/containerLogs/${info.namespace}/${info.name}/${container}${text}`;
    const webSocket = isWebSocketUpgrade(exchange);
    const asked = webSocket ? { ...exchange, upgrade: undefined } : exchange;
    const reply = await forward(client.dial, asked, { ...kubelet, path, tls }, { headers: logHeaders });
    if (reply.status !== 200) return failed(reply, info.name);
    return webSocket ? replyOverWebSocket(exchange, reply) : reply;
  }

  async function run(target: Target, kind: string, verb: 'exec' | 'attach'): Promise<Reply> {
    const { info, exchange } = target.context;
    await authorizeUpgrade(target, authorize);
    const pod = await podOf(target);
    const { query } = info;
    const defaults = { stdin: false, stdout: true, stderr: true };
    const wants = (name: keyof typeof defaults): boolean => (query.has(name) ? flag(query, name) : defaults[name]);
    const options = {
      kind,
      apiVersion: 'v1',
      stdin: wants('stdin'),
      stdout: wants('stdout'),
      stderr: wants('stderr'),
      tty: flag(query, 'tty'),
      container: query.get('container') ?? '',
      ...(verb === 'exec' ? { command: query.getAll('command') } : {}),
    };
    await admitConnect(target, options);
    const container = containerOf(pod, options.container);
    if (!pod.spec.nodeName) throw badRequest(`pod ${info.name} does not have a host assigned`);
    const parameters = new URLSearchParams();
    if (options.stdin) parameters.set('input', '1');
    if (options.stdout) parameters.set('output', '1');
    if (options.stderr) parameters.set('error', '1');
    if (options.tty) parameters.set('tty', '1');
    if (verb === 'exec') for (const part of options.command ?? []) parameters.append('command', part);
    requireUpgrade(target);
    const kubelet = await kubeletOfPod(reader, pod);
    return forward(client.dial, exchange, { ...kubelet, path: `/${verb}/${info.namespace}/${info.name}/${container}?${parameters}`, tls });
  }

  async function portForward(target: Target): Promise<Reply> {
    const { info, exchange } = target.context;
    await authorizeUpgrade(target, authorize);
    const pod = await podOf(target);
    const ports = info.query.getAll('ports').flatMap((text) => text.split(','));
    await admitConnect(target, { kind: 'PodPortForwardOptions', apiVersion: 'v1', ...(ports.length > 0 ? { ports: ports.map(Number) } : {}) });
    if (!pod.spec.nodeName) throw badRequest(`pod ${info.name} does not have a host assigned`);
    const parameters = new URLSearchParams(ports.map((port): [string, string] => ['port', port]));
    requireUpgrade(target);
    const kubelet = await kubeletOfPod(reader, pod);
    const path = `/portForward/${info.namespace}/${info.name}${parameters.size > 0 ? `?${parameters}` : ''}`;
    return forward(client.dial, exchange, { ...kubelet, path, tls });
  }

  const of = { group: pods.group, resource: pods.plural, longRunning: true };
  return [
    { ...of, subresource: 'log', handle: log },
    { ...of, subresource: 'exec', handle: (target) => run(target, 'PodExecOptions', 'exec') },
    { ...of, subresource: 'attach', handle: (target) => run(target, 'PodAttachOptions', 'attach') },
    { ...of, subresource: 'portforward', handle: portForward },
  ];
}

function requireUpgrade({ context }: Target): void {
  if (!context.exchange.upgrade) throw badRequest('Upgrade request required');
}

function logHeaders(headers: Record<string, unknown>): void {
  headers['content-type'] = 'text/plain';
  headers['cache-control'] = 'no-cache, private';
}

/** What the kubelet refused, as a Status with its text. */
function failed({ status, stream }: Reply, name: string): Promise<Reply> {
  return new Promise((_resolve, reject) => {
    const chunks: Uint8Array[] = [];
    const finish = (): void => {
      const text = Buffer.concat(chunks).toString('utf8').trim();
      if (status === 404)
        reject(new StatusError(404, 'NotFound', `the server could not find the requested resource ( pods/log ${name})`, { name, kind: 'pods/log' }));
      else if (status === 400) reject(badRequest(text));
      else reject(new StatusError(status, 'InternalError', text === '' ? `the node answered ${status}` : text));
    };
    stream?.({
      write: (chunk) => void chunks.push(chunk),
      end: finish,
      destroy: finish,
      pendingBytes: () => 0,
      onDrain: (listener) => void setImmediate(listener),
      onClose: () => {},
      closed: false,
    });
  });
}
