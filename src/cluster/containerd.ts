/**
 * A containerd of our own: its configuration (1.6, 1.7 and 2.x), its start and its end. Root, state and socket are private,
 * so a containerd that the machine already runs (Docker's, say) is not touched.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pauseImageName } from './images/builtin.ts';
import type { RuntimeHandler } from './runtimes.ts';

export interface ContainerdOptions {
  /** Images, snapshots and metadata; survives. */
  root: string;
  /** Sockets and running containers; ends with the machine. */
  state: string;
  /** Path of the gRPC socket; at most 107 bytes, as Linux allows. `<state>/containerd.sock` when absent. */
  socket?: string;
  cniConfDir: string;
  cniBinDirs?: string[];
  pauseImage?: string;
  /** `overlayfs` unless the file system can't. */
  snapshotter?: string;
  cgroupDriver?: 'cgroupfs' | 'systemd';
  /** Directory of `hosts.toml` files, one folder per registry. */
  registryConfigPath?: string;
  /** Program names or paths. */
  binary?: string;
  ctr?: string;
  runtimeBinary?: string;
  /** Besides runc. */
  runtimes?: readonly RuntimeHandler[];
  /** Of pods without a RuntimeClass; runc when absent. */
  defaultRuntime?: string;
  /** Put in front of PATH, for a containerd that is not installed but unpacked. */
  pathPrefix?: string;
  /** Name of the network namespace (`ip netns add`) to live in. */
  netns?: string;
  logFile?: string;
  logLevel?: string;
}

/** Where distributions and the plugins' own releases put them. */
export const cniBinDirs: readonly string[] = ['/usr/lib/cni', '/opt/cni/bin'];

const CAP_SYS_RESOURCE = 24n;

/** Whether this process may raise limits and lower OOM scores (`CAP_SYS_RESOURCE` in its effective set). */
export function hasSysResource(status = readFileSync('/proc/self/status', 'utf8')): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> CAP_SYS_RESOURCE) & 1n) === 1n;
}

/** `[1, 6]` for containerd 1.6.20. */
export async function containerdVersion(binary = 'containerd'): Promise<[number, number]> {
  const { stdout } = await promisify(execFile)(binary, ['--version']);
  const match = /\bv?(\d+)\.(\d+)\.\d+/.exec(stdout);
  if (!match) throw new Error(`can't read the version of ${binary} from ${JSON.stringify(stdout)}`);
  return [Number(match[1]), Number(match[2])];
}

/** Tries a mount of that kind in `directory`; file systems without d_type, and overlay itself, refuse. */
export async function pickSnapshotter(directory: string): Promise<string> {
  const probe = join(directory, 'overlay-probe');
  const path = (name: string): string => join(probe, name);
  await Promise.all(['lower', 'upper', 'work', 'merged'].map((name) => mkdir(path(name), { recursive: true })));
  const run = promisify(execFile);
  try {
    await run('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=${path('lower')},upperdir=${path('upper')},workdir=${path('work')}`, path('merged')]);
    await run('umount', [path('merged')]);
    return 'overlayfs';
  } catch {
    return 'native';
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}

type Toml = string | number | boolean | string[];

/** The configuration file for a containerd of that version. */
export function containerdConfig(options: ContainerdOptions, [major]: [number, number], sysResource = hasSysResource()): string {
  const lines: string[] = [];
  const value = (of: Toml): string => JSON.stringify(of);
  const table = (name: string, entries: Record<string, Toml | undefined>): void => {
    if (name) lines.push('', `[${name}]`);
    for (const [key, of] of Object.entries(entries)) if (of !== undefined) lines.push(`${key} = ${value(of)}`);
  };
  const pause = options.pauseImage ?? pauseImageName;
  const snapshotter = options.snapshotter ?? 'overlayfs';
  const binDirs = options.cniBinDirs ?? [...cniBinDirs];
  const defaultRuntime = options.defaultRuntime ?? 'runc';
  const runtimes: RuntimeHandler[] = [{ name: 'runc', type: 'io.containerd.runc.v2', binary: options.runtimeBinary ?? '' }, ...(options.runtimes ?? [])];
  const runtimeTables = (of: string, extra: Record<string, Toml>): void => {
    for (const { name, type, binary } of runtimes) {
      table(`${of}.runtimes.${name}`, { runtime_type: type, ...extra });
      if (binary !== undefined) table(`${of}.runtimes.${name}.options`, { BinaryName: binary, SystemdCgroup: options.cgroupDriver === 'systemd' });
    }
  };
  const common = {
    restrict_oom_score_adj: !sysResource,
    enable_unprivileged_ports: true,
    enable_unprivileged_icmp: true,
    netns_mounts_under_state_dir: true,
    max_container_log_line_size: 16384,
    tolerate_missing_hugetlb_controller: true,
  };
  table('', {
    version: major >= 2 ? 3 : 2,
    root: options.root,
    state: options.state,
    disabled_plugins: ['io.containerd.internal.v1.opt', 'io.containerd.nri.v1.nri', 'io.containerd.internal.v1.tracing'],
  });
  table('grpc', { address: socketOf(options) });
  if (major >= 2) {
    const images = "plugins.'io.containerd.cri.v1.images'";
    const runtime = "plugins.'io.containerd.cri.v1.runtime'";
    table(images, { snapshotter });
    table(`${images}.pinned_images`, { sandbox: pause });
    if (options.registryConfigPath) table(`${images}.registry`, { config_path: options.registryConfigPath });
    table(runtime, { ...common, enable_cdi: true });
    table(`${runtime}.containerd`, { default_runtime_name: defaultRuntime });
    runtimeTables(`${runtime}.containerd`, { snapshotter });
    table(`${runtime}.cni`, { bin_dirs: binDirs, conf_dir: options.cniConfDir, max_conf_num: 1 });
  } else {
    const cri = 'plugins."io.containerd.grpc.v1.cri"';
    table(cri, { ...common, sandbox_image: pause });
    table(`${cri}.containerd`, { snapshotter, default_runtime_name: defaultRuntime });
    runtimeTables(`${cri}.containerd`, {});
    table(`${cri}.cni`, { bin_dir: binDirs[0], conf_dir: options.cniConfDir, max_conf_num: 1 });
    if (options.registryConfigPath) table(`${cri}.registry`, { config_path: options.registryConfigPath });
  }
  return `${lines.join('\n')}\n`;
}

const socketOf = (options: ContainerdOptions): string => options.socket ?? join(options.state, 'containerd.sock');

export interface RunningContainerd {
  socket: string;
  snapshotter: string;
  pid: number;
  /** Resolves when the process has ended, for whatever reason. */
  exited: Promise<void>;
  /** Ends containerd. Containers go on running under their shims, as with any restart of containerd. */
  stop(): Promise<void>;
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket, () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}

/** Writes the configuration, starts containerd and waits until its socket answers; throws with the end of its log when it does not. */
export async function startContainerd(given: ContainerdOptions): Promise<RunningContainerd> {
  const binary = given.binary ?? 'containerd';
  await Promise.all([given.root, given.state, given.cniConfDir].map((directory) => mkdir(directory, { recursive: true, mode: 0o711 })));
  const options = { ...given, snapshotter: given.snapshotter ?? (await pickSnapshotter(given.root)) };
  const config = join(options.state, 'config.toml');
  const logFile = options.logFile ?? join(options.state, 'containerd.log');
  await writeFile(config, containerdConfig(options, await containerdVersion(binary)));
  const command = [binary, '--config', config, '--log-level', options.logLevel ?? 'warn'];
  const argv = options.netns ? ['nsenter', `--net=/run/netns/${options.netns}`, ...command] : command;
  const log = openSync(logFile, 'a');
  const PATH = options.pathPrefix ? `${options.pathPrefix}:${process.env['PATH']}` : process.env['PATH'];
  const child = spawn(argv[0] ?? binary, argv.slice(1), { stdio: ['ignore', log, log], env: { ...process.env, PATH }, detached: true });
  closeSync(log);
  const exited = new Promise<void>((resolve) => child.once('error', () => resolve()).once('exit', () => resolve()));
  const socket = socketOf(options);
  const deadline = Date.now() + 30_000;
  while (!(await answers(socket))) {
    if (ended(child) || Date.now() > deadline) throw new Error(`containerd did not start: ${readFileSync(logFile, 'utf8').slice(-2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    socket,
    snapshotter: options.snapshotter,
    pid: child.pid ?? 0,
    exited,
    stop: async () => {
      if (!ended(child)) child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(hard);
    },
  };
}

const ended = (child: ChildProcess): boolean => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
