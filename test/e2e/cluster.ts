/** A real cluster for a test file, made and taken down by the commands that users have. Isolated: nothing leaves the machine. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const kubectlProgram = join(root, '.cache/tools/kubectl');

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  input?: string;
  timeoutMs?: number;
  /** Besides this process's environment. */
  env?: NodeJS.ProcessEnv;
  /** Instead of it. */
  only?: NodeJS.ProcessEnv;
  /** The user and group to run as, by number. */
  as?: number;
}

/** Runs a program to its end, whatever its exit code. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  const { as, only, env } = options;
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      {
        maxBuffer: 64 << 20,
        timeout: options.timeoutMs ?? 120_000,
        env: only ?? { ...process.env, ...env },
        ...(as === undefined ? {} : { uid: as, gid: as, cwd: '/' }),
      },
      (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.on('error', () => {}); // a program that ends without reading
    child.stdin?.end(options.input ?? '');
  });
}

/** Standard output; throws with what the program said when it fails. */
export async function ok(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(program, args, options);
  if (result.code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${result.code}\n${result.stderr}${result.stdout}`);
  return result.stdout;
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

/** Asks until the answer is neither undefined nor false, and gives it; throws the last failure after the time is over. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined | false>, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what}: not within ${timeoutMs / 1000} s${last ? `; ${(last as Error).message}` : ''}`);
}

export interface TestCluster {
  dataDir: string;
  port: number;
  knarr(args: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Standard output of kubectl 1.36; throws when it fails. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** kubectl with its exit code. */
  tryKubectl(args: readonly string[], input?: string): Promise<CommandResult>;
  apply(manifest: object | object[]): Promise<void>;
  /** An object as JSON. */
  get<T = Record<string, never>>(...args: string[]): Promise<T>;
  importImage(archive: string): Promise<void>;
  /** Network namespace of a node, by its index from 1. */
  networkNamespace(node: number): string;
  down(): Promise<void>;
}

/** How full the disk of the machine is must not decide about a test. */
const whateverTheDisk = { imageGCHighThresholdPercent: 100, evictionHard: { 'memory.available': '100Mi' } };

export function writeKubeletConfig(directory: string, settings: object): string {
  const file = join(directory, 'kubelet.yaml');
  writeFileSync(file, JSON.stringify({ apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration', ...settings }));
  return file;
}

/** `knarr up --isolated` in a directory of its own; `kubelet` are fields of a KubeletConfiguration. */
export async function startTestCluster({
  nodes = 1,
  kubelet,
  args = [],
}: {
  nodes?: number;
  kubelet?: object;
  args?: readonly string[];
} = {}): Promise<TestCluster> {
  const dataDir = mkdtempSync(join(tmpdir(), 'knarr-e2e-'));
  const port = await freePort();
  const knarr: TestCluster['knarr'] = ([command = '', ...args], options) =>
    run(join(root, 'knarr'), [command, '--data-dir', dataDir, ...args], { timeoutMs: 180_000, ...options });
  const settings = ['--kubelet-config', writeKubeletConfig(dataDir, { ...whateverTheDisk, ...kubelet })];
  const up = await knarr(['up', '--isolated', '--nodes', String(nodes), '--port', String(port), '--kubeconfig', 'none', '--wait', '60s', ...settings, ...args]);
  if (up.code !== 0) {
    const logs = await run('sh', ['-c', `tail -n 20 ${dataDir}/logs/*.log`]);
    await knarr(['down', '--purge']);
    throw new Error(`knarr up failed:\n${up.stderr}${up.stdout}\n${logs.stdout}`);
  }
  const kubeconfig = join(dataDir, 'admin.kubeconfig');
  const tryKubectl: TestCluster['tryKubectl'] = (args, input) => run(kubectlProgram, ['--kubeconfig', kubeconfig, ...args], { ...(input ? { input } : {}) });
  const kubectl: TestCluster['kubectl'] = (args, input) => ok(kubectlProgram, ['--kubeconfig', kubeconfig, ...args], { ...(input ? { input } : {}) });
  const { id } = JSON.parse(await ok('cat', [join(dataDir, 'cluster.json')])) as { id: string };
  return {
    dataDir,
    port,
    knarr,
    kubectl,
    tryKubectl,
    async apply(manifest) {
      const items = Array.isArray(manifest) ? manifest : [manifest];
      await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    },
    get: async (...args) => JSON.parse(await kubectl(['get', ...args, '-o', 'json'])),
    async importImage(archive) {
      const result = await run(join(root, 'knarr'), ['images', 'import', '--data-dir', dataDir, archive]);
      if (result.code !== 0) throw new Error(result.stderr);
    },
    networkNamespace: (node) => `knarr-${id}-node-${node}`,
    async down() {
      const result = await knarr(['down', '--purge']);
      rmSync(dataDir, { recursive: true, force: true });
      if (result.code !== 0) throw new Error(`knarr down failed:\n${result.stderr}`);
    },
  };
}
