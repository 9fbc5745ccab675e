/** The control planes that are measured: knarr's server on LMDB, and upstream's kube-apiserver on etcd. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadOrCreatePki } from '../src/cluster/pki/files.ts';
import { issueClient, type KeyPair, type Pki } from '../src/cluster/pki/pki.ts';

export interface Credentials {
  url: string;
  ca: string;
  cert: string;
  key: string;
}

export interface RunningTarget {
  name: string;
  /** Milliseconds from the start of the first process to `/readyz`. */
  readyMs: number;
  readonly pids: number[];
  admin: Credentials;
  /** The user `bench`: RBAC has to look at it, where `system:masters` would pass. */
  bench: Credentials;
  /** A user of that name, in no group. */
  userOf(name: string): Credentials;
  /** Ends the processes and starts them again on the same data; gives the milliseconds to `/readyz`. */
  restart(): Promise<number>;
  stop(): Promise<void>;
}

const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

/** As `./knarr` sets it: where compiled code is kept. */
const NODE_COMPILE_CACHE = process.env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'node-compile-cache');

/** Whatever becomes of the measurement, nothing that it started stays. */
const launched = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of launched) child.kill('SIGKILL');
});

/** Starts a program that ends with this process at the latest; what it says goes into a file. */
export function launch(program: string, args: string[], log: string): ChildProcess {
  const file = openSync(log, 'a');
  const child = spawn(program, args, { stdio: ['ignore', file, file], env: { ...process.env, NODE_COMPILE_CACHE } });
  closeSync(file);
  launched.add(child);
  child.once('exit', () => launched.delete(child));
  return child;
}

/** A server waits for its watches, upstream's for up to a minute. */
const endedWithinMs = 10_000;

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), endedWithinMs);
  await exited;
  clearTimeout(late);
}

function isReady({ url, ca, cert, key }: Credentials): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = request(`${url}/readyz`, { ca, cert, key, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asking.once('error', () => resolve(false));
    asking.end();
  });
}

async function untilReady(credentials: Credentials, log: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await isReady(credentials)); await sleep(5)) {
    if (Date.now() > deadline) throw new Error(`not ready: ${readFileSync(log, 'utf8').slice(-3000)}`);
  }
}

const credentialsOf = (url: string, pki: Pki, pair: KeyPair): Credentials => ({ url, ca: pki.ca.certificate, cert: pair.certificate, key: pair.key });

/** `more`: further options of `knarr server`. */
export async function startKnarr(more: readonly string[] = []): Promise<RunningTarget> {
  const dataDir = mkdtempSync(join(tmpdir(), 'knarr-bench-'));
  const port = await freePort();
  const log = join(dataDir, 'server.log');
  const pki = await loadOrCreatePki(join(dataDir, 'pki'));
  const admin = credentialsOf(`https://127.0.0.1:${port}`, pki, pki.leaves.admin);
  return runningTarget(
    'knarr',
    dataDir,
    log,
    admin,
    (user) => credentialsOf(admin.url, pki, issueClient(pki, user, [])),
    () => [launch(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'server', '--data-dir', dataDir, '--port', String(port), ...more], log)],
  );
}

export interface UpstreamPrograms {
  apiserver: string;
  etcd: string;
}

export async function startUpstream({ apiserver, etcd }: UpstreamPrograms): Promise<RunningTarget> {
  const dataDir = mkdtempSync(join(tmpdir(), 'upstream-bench-'));
  const [port, etcdPort, peerPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const log = join(dataDir, 'server.log');
  const pkiDir = join(dataDir, 'pki');
  const pki = await loadOrCreatePki(pkiDir);
  mkdirSync(join(dataDir, 'etcd'));
  writeFileSync(join(dataDir, 'empty'), '');
  const admin = credentialsOf(`https://127.0.0.1:${port}`, pki, pki.leaves.admin);
  return runningTarget(
    'upstream',
    dataDir,
    log,
    admin,
    (user) => credentialsOf(admin.url, pki, issueClient(pki, user, [])),
    () => {
      const store = launch(
        etcd,
        [
          `--data-dir=${join(dataDir, 'etcd')}`,
          `--listen-client-urls=http://127.0.0.1:${etcdPort}`,
          `--advertise-client-urls=http://127.0.0.1:${etcdPort}`,
          `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
          `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
          `--initial-cluster=default=http://127.0.0.1:${peerPort}`,
        ],
        log,
      );
      const server = launch(
        apiserver,
        [
          `--etcd-servers=http://127.0.0.1:${etcdPort}`,
          '--bind-address=127.0.0.1',
          `--secure-port=${port}`,
          `--tls-cert-file=${pkiDir}/apiserver.crt`,
          `--tls-private-key-file=${pkiDir}/apiserver.key`,
          `--client-ca-file=${pkiDir}/ca.crt`,
          '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
          `--service-account-key-file=${pkiDir}/sa.pub`,
          `--service-account-signing-key-file=${pkiDir}/sa.key`,
          '--service-cluster-ip-range=10.96.0.0/16',
          '--authorization-mode=Node,RBAC',
          '--endpoint-reconciler-type=none',
          `--cert-dir=${dataDir}`,
        ],
        log,
      );
      return [server, store];
    },
  );
}

/** Starts the processes that `launchAll` gives; they are ended in that order. */
async function runningTarget(
  name: string,
  dataDir: string,
  log: string,
  admin: Credentials,
  userOf: (name: string) => Credentials,
  launchAll: () => ChildProcess[],
): Promise<RunningTarget> {
  let running: ChildProcess[] = [];
  const start = async (): Promise<number> => {
    const started = performance.now();
    running = launchAll();
    await untilReady(admin, log);
    return performance.now() - started;
  };
  const endAll = async (): Promise<void> => {
    for (const child of running) await end(child);
  };
  return {
    name,
    readyMs: await start(),
    admin,
    bench: userOf('bench'),
    userOf,
    get pids() {
      return running.map(({ pid }) => pid as number);
    },
    async restart() {
      await endAll();
      return start();
    },
    async stop() {
      await endAll();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Resident megabytes and CPU seconds of processes, from /proc. */
export function usageOf(pids: readonly number[]): { residentMb: number; cpuSeconds: number } {
  let residentMb = 0;
  let cpuSeconds = 0;
  for (const pid of pids) {
    residentMb += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    cpuSeconds += (Number(fields[11]) + Number(fields[12])) / 100;
  }
  return { residentMb, cpuSeconds };
}
