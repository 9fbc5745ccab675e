/**
 * The configuration of a containerd of our own (1.6, 1.7 and 2.x). Root, state and socket are private, so a containerd that the
 * machine already runs (Docker's, say) is not touched.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pauseImageName } from './images/builtin.ts';
import type { RuntimeHandler } from './runtimes.ts';

export interface ContainerdOptions {
  /** Images, snapshots and metadata; survives. */
  root: string;
  /** Sockets and running containers; ends with the machine. */
  state: string;
  /** Path of the gRPC socket; at most 107 bytes, as Linux allows. */
  socket: string;
  cniConfDir: string;
  cniBinDirs?: string[];
  pauseImage?: string;
  /** `overlayfs` unless the file system can't. */
  snapshotter?: string;
  cgroupDriver?: 'cgroupfs' | 'systemd';
  /** Directory of `hosts.toml` files, one folder per registry. */
  registryConfigPath?: string;
  /** Besides runc. */
  runtimes?: readonly RuntimeHandler[];
  /** Of pods without a RuntimeClass; runc when absent. */
  defaultRuntime?: string;
}

/** Where distributions and the plugins' own releases put them. */
export const cniBinDirs: readonly string[] = ['/usr/lib/cni', '/opt/cni/bin'];

const CAP_SYS_RESOURCE = 24n;

/** Whether this process may raise limits and lower OOM scores (`CAP_SYS_RESOURCE` in its effective set). */
function hasSysResource(status = readFileSync('/proc/self/status', 'utf8')): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> CAP_SYS_RESOURCE) & 1n) === 1n;
}

/** `[1, 6]` for containerd 1.6.20. */
export async function containerdVersion(): Promise<[number, number]> {
  const { stdout } = await promisify(execFile)('containerd', ['--version']);
  const match = /\bv?(\d+)\.(\d+)\.\d+/.exec(stdout);
  if (!match) throw new Error(`can't read the version of containerd from ${JSON.stringify(stdout)}`);
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
  const runtimes: RuntimeHandler[] = [{ name: 'runc', type: 'io.containerd.runc.v2', binary: '' }, ...(options.runtimes ?? [])];
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
  table('grpc', { address: options.socket });
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
