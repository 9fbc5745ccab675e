/** A control plane in this process, over real HTTPS, whose store and keys a test may reach into. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { defaultRanges } from '../../src/cluster/config.ts';
import { type ControlPlane, startControlPlane } from '../../src/cluster/controlplane/controlplane.ts';
import { kubeconfigText } from '../../src/cluster/controlplane/kubeconfig.ts';
import { createPki, issueClient, type KeyPair, type Pki } from '../../src/cluster/pki/pki.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { kubectl } from './kubectl.ts';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** Of a JSON answer: a Status or an object. */
  body: {
    code?: number;
    reason?: string;
    message?: string;
    details?: { name?: string; group?: string; kind?: string; causes?: { reason: string; message: string; field?: string }[] };
    metadata?: { name?: string; resourceVersion?: string; continue?: string };
    status?: { token?: string };
    items?: { metadata: { name: string } }[];
  };
}

export interface RequestOptions {
  body?: string | Buffer | object;
  headers?: Record<string, string>;
  /** Absent: the administrator's certificate; null: nobody. */
  as?: KeyPair | { token: string } | null;
}

export interface TestControlPlane extends AsyncDisposable {
  controlPlane: ControlPlane;
  store: Store;
  pki: Pki;
  /** The administrator's, a file. */
  kubeconfig: string;
  /** Holds the kubeconfig, and what a test puts there. */
  directory: string;
  /** Another user's, a file. */
  kubeconfigFor(user: string, groups?: readonly string[]): string;
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  kubectl(args: readonly string[], input?: string | object, env?: NodeJS.ProcessEnv): ReturnType<typeof kubectl>;
}

/** With the controllers that are named, and no scheduler unless asked for. */
export async function startTestControlPlane(
  options: { controllers?: readonly string[]; scheduler?: boolean; dualStack?: boolean } = {},
): Promise<TestControlPlane> {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-controlplane-'));
  const pki = createPki();
  const store = createMemoryStore();
  const controlPlane = await startControlPlane({
    store,
    pki,
    listen: [{ address: '127.0.0.1', port: 0 }],
    // No address of any machine; so there is a service 'kubernetes', and nobody asks it.
    advertiseAddress: '192.0.2.1',
    ...defaultRanges(options.dualStack ?? false),
    clusterDomain: 'cluster.local',
    controllers: options.controllers ?? [],
    scheduler: options.scheduler ?? false,
    log: pino({ level: 'silent' }),
  });
  const agent = new https.Agent({ keepAlive: true });
  const ca = pki.ca.certificate;
  const write = (user: string, credentials: KeyPair): string => {
    const file = join(directory, `${user.replaceAll(/[^a-z]/g, '-')}.kubeconfig`);
    writeFileSync(file, kubeconfigText({ server: controlPlane.url, ca, user, credentials }), { mode: 0o600 });
    return file;
  };
  const kubeconfig = write('admin', pki.leaves.admin);
  return {
    controlPlane,
    store,
    pki,
    kubeconfig,
    directory,
    kubeconfigFor: (user, groups = []) => write(user, issueClient(pki, user, groups)),
    request: (method, path, { body, headers = {}, as = pki.leaves.admin } = {}) =>
      new Promise((resolve, reject) => {
        const bytes =
          body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
        const request = https.request(`${controlPlane.url}${path}`, {
          method,
          agent,
          ca,
          ...(as && 'certificate' in as ? { cert: as.certificate, key: as.key } : {}),
          headers: {
            ...(bytes ? { 'content-type': 'application/json', 'content-length': bytes.length } : {}),
            ...(as && 'token' in as ? { authorization: `Bearer ${as.token}` } : {}),
            ...headers,
          },
        });
        request.once('error', reject);
        request.once('response', (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('error', reject);
          response.once('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const json = response.headers['content-type']?.startsWith('application/json');
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: json ? JSON.parse(text) : {} });
          });
        });
        request.end(bytes);
      }),
    kubectl: (args, input, env) => kubectl(kubeconfig, args, input, env),
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await controlPlane.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
