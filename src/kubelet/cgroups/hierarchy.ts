/** Directories of the control group file system: one hierarchy per controller in v1, one for all in v2. Found, never assumed. */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cpuPeriod, weightOf } from '../containers/resources.ts';
import { sleep } from '../runtime/pleg.ts';

export interface CgroupLimits {
  cpuShares?: number;
  /** Microseconds per 100 ms; absent for none. */
  cpuQuota?: number;
  /** Bytes. */
  memory?: number;
  pids?: number;
  hugePages?: Record<string, number>;
}

export interface CgroupHierarchy {
  version: 1 | 2;
  /** Creates the group in every hierarchy and sets its limits. */
  ensure(path: string, limits: CgroupLimits): Promise<void>;
  /** Ends what is left in it and removes it with all below. */
  remove(path: string): Promise<void>;
  /** Names of the groups directly below, in any hierarchy. */
  children(path: string): Promise<string[]>;
  /** Text of a control file of that controller. */
  read(controller: string, path: string, file: string): Promise<string>;
}

export const cgroupMount = '/sys/fs/cgroup';
const mount = cgroupMount;
const wanted = ['cpu', 'cpuacct', 'memory', 'pids', 'hugetlb'];

export const cgroupVersion = (): 1 | 2 => (existsSync(join(mount, 'cgroup.controllers')) ? 2 : 1);

export function openCgroups(version = cgroupVersion()): CgroupHierarchy {
  const roots = version === 2 ? [mount] : [...new Set(wanted)].map((name) => join(mount, name)).filter((path) => existsSync(path));
  return version === 2 ? unified(roots) : perController(roots, everyRoot());
}

/** A runtime makes its groups in hierarchies that we set nothing in, too; a pod's group above them is left to us. */
function everyRoot(): string[] {
  const found = readdirSync(mount).map((name) => join(mount, name));
  return [...new Set(found.map((path) => realpathSync(path)))].filter((path) => existsSync(join(path, 'cgroup.procs')));
}

async function set(file: string, text: string | number): Promise<void> {
  await writeFile(file, String(text));
}

function perController(roots: string[], every: string[]): CgroupHierarchy {
  const dir = (controller: string, path: string): string => join(mount, controller, path);
  const has = (controller: string): boolean => roots.includes(join(mount, controller));
  return {
    version: 1,
    ensure: async (path, limits) => {
      await Promise.all(roots.map((root) => mkdir(join(root, path), { recursive: true })));
      const writes: Promise<void>[] = [];
      if (limits.cpuShares && has('cpu')) writes.push(set(join(dir('cpu', path), 'cpu.shares'), limits.cpuShares));
      if (has('cpu') && existsSync(join(dir('cpu', path), 'cpu.cfs_quota_us'))) {
        if (limits.cpuQuota)
          writes.push(
            set(join(dir('cpu', path), 'cpu.cfs_period_us'), cpuPeriod).then(() => set(join(dir('cpu', path), 'cpu.cfs_quota_us'), limits.cpuQuota ?? -1)),
          );
      }
      if (limits.memory && has('memory')) writes.push(set(join(dir('memory', path), 'memory.limit_in_bytes'), limits.memory));
      if (limits.pids && limits.pids > 0 && has('pids')) writes.push(set(join(dir('pids', path), 'pids.max'), limits.pids));
      if (has('hugetlb'))
        for (const [size, bytes] of Object.entries(limits.hugePages ?? {}))
          writes.push(set(join(dir('hugetlb', path), `hugetlb.${size}.limit_in_bytes`), bytes));
      await Promise.all(writes);
    },
    remove: (path) => removeFrom(every.map((root) => join(root, path))),
    // An agent that was killed while it removed a group has left it in some of them.
    children: async (path) => [...new Set((await Promise.all(every.map((root) => childrenOf(join(root, path))))).flat())],
    read: (controller, path, file) => readFile(join(dir(controller, path), file), 'utf8'),
  };
}

function unified(roots: string[]): CgroupHierarchy {
  const enable = async (path: string): Promise<void> => {
    const available = readFileSync(join(path, 'cgroup.controllers'), 'utf8').trim().split(' ');
    const enabled = readFileSync(join(path, 'cgroup.subtree_control'), 'utf8').trim().split(' ');
    for (const name of ['cpu', 'cpuset', 'memory', 'pids', 'hugetlb', 'io']) {
      if (available.includes(name) && !enabled.includes(name)) await set(join(path, 'cgroup.subtree_control'), `+${name}`);
    }
  };
  return {
    version: 2,
    ensure: async (path, limits) => {
      let at = mount;
      for (const part of path.split('/').filter(Boolean)) {
        await enable(at);
        at = join(at, part);
        await mkdir(at, { recursive: true });
      }
      const available = readFileSync(join(at, 'cgroup.controllers'), 'utf8').trim().split(' ');
      const writes: Promise<void>[] = [];
      if (limits.cpuShares && available.includes('cpu')) writes.push(set(join(at, 'cpu.weight'), weightOf(limits.cpuShares)));
      if (available.includes('cpu')) writes.push(set(join(at, 'cpu.max'), `${limits.cpuQuota ?? 'max'} ${cpuPeriod}`));
      if (limits.memory && available.includes('memory')) writes.push(set(join(at, 'memory.max'), limits.memory));
      if (limits.pids && limits.pids > 0 && available.includes('pids')) writes.push(set(join(at, 'pids.max'), limits.pids));
      if (available.includes('hugetlb'))
        for (const [size, bytes] of Object.entries(limits.hugePages ?? {})) writes.push(set(join(at, `hugetlb.${size}.max`), bytes));
      await Promise.all(writes);
    },
    remove: (path) => removeFrom([join(mount, path)]),
    children: (path) => childrenOf(join(roots[0] ?? mount, path)),
    read: (_controller, path, file) => readFile(join(mount, path, file), 'utf8'),
  };
}

async function childrenOf(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

const gone = new Set(['ENOENT', 'ENODEV']);

async function removeTree(directory: string): Promise<void> {
  for (const child of await childrenOf(directory)) await removeTree(join(directory, child));
  try {
    await rmdir(directory);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!gone.has(code)) throw error;
  }
}

async function killIn(directory: string): Promise<void> {
  for (const child of await childrenOf(directory)) await killIn(join(directory, child));
  const pids = await readFile(join(directory, 'cgroup.procs'), 'utf8').catch(() => '');
  for (const pid of pids.split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** A process that has just ended holds its group for a moment: try again for a second, ending what still runs. */
async function removeFrom(directories: string[]): Promise<void> {
  await Promise.all(
    directories.map(async (directory) => {
      for (let attempt = 0; ; attempt++) {
        try {
          await removeTree(directory);
          return;
        } catch (error) {
          if (attempt >= 20) throw error;
          await killIn(directory);
          await sleep(50);
        }
      }
    }),
  );
}
