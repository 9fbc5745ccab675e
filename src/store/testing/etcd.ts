/** An etcd of its own for a test: on free loopback ports, in a temporary directory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createEtcdStore } from '../etcd.ts';

export interface TestEtcd {
  endpoint: string;
  /** As a crash: at once, keeping the data. */
  kill(): Promise<void>;
  /** After `kill`, on the same port with the same data. Resolves when it answers. */
  restart(): Promise<void>;
  /** Ends it and removes the data. */
  stop(): Promise<void>;
}

/** The unpacked one of `./knarr test`, else one on the PATH. */
export function findEtcd(): string | undefined {
  const unpacked = join(import.meta.dirname, '../../../.cache/tools/etcd');
  const candidates = [unpacked, ...(process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, 'etcd'))];
  return candidates.find((candidate) => existsSync(candidate));
}

/** PEM files: the server's own, and a client's, whose CA is the same. */
export interface TestEtcdFiles {
  ca: string;
  serverCert: string;
  serverKey: string;
  clientCert: string;
  clientKey: string;
}

/** Resolves when it answers. With `files` over TLS, and for clients with a certificate only. */
export async function startEtcd(program: string, flags: readonly string[] = [], files?: TestEtcdFiles): Promise<TestEtcd> {
  const directory = await mkdtemp(join(tmpdir(), 'knarr-etcd-'));
  const [client, peer] = await Promise.all([freePort(), freePort()]);
  const endpoint = `${files ? 'https' : 'http'}://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const args = [
    `--data-dir=${directory}/data`,
    `--listen-client-urls=${endpoint}`,
    `--advertise-client-urls=${endpoint}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    '--log-level=fatal',
    ...(files ? [`--trusted-ca-file=${files.ca}`, `--cert-file=${files.serverCert}`, `--key-file=${files.serverKey}`] : []),
    // The gateway would dial its own server, with the server's certificate.
    ...(files ? ['--client-cert-auth', '--enable-grpc-gateway=false'] : []),
    ...flags,
  ];
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (!child) return;
    const exited = new Promise<void>((resolve) => child?.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await exited;
    child = undefined;
  };
  const stop = async (): Promise<void> => {
    await kill();
    await rm(directory, { recursive: true, force: true });
  };
  async function restart(): Promise<void> {
    child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    await answering(endpoint, files);
  }
  try {
    await restart();
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, kill, restart, stop };
}

async function answering(endpoint: string, files?: TestEtcdFiles): Promise<void> {
  const tls = files ? { ca: readFileSync(files.ca), cert: readFileSync(files.clientCert), key: readFileSync(files.clientKey) } : {};
  const store = createEtcdStore({ endpoints: [endpoint], timeoutMs: 1_000, ...tls });
  try {
    for (const deadline = Date.now() + 20_000; ; ) {
      try {
        await store.currentRevision();
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  } finally {
    await store.close();
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
