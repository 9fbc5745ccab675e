/** What the processes of one control group use, from its control files: the same numbers for both versions. */
import type { CgroupHierarchy } from './hierarchy.ts';

/** Seconds, bytes, counts. What the kernel does not tell is absent. */
export interface GroupUsage {
  /** Milliseconds since the epoch. */
  at: number;
  cpu?: { total: number; user: number; system: number };
  throttling?: { periods: number; throttled: number; seconds: number };
  memory?: {
    usage: number;
    workingSet: number;
    rss: number;
    cache: number;
    mapped: number;
    swap: number;
    kernel: number;
    max: number;
    failures: number;
    activeFile: number;
    inactiveFile: number;
    pageFaults: number;
    majorPageFaults: number;
  };
  spec: { shares?: number; quota?: number; period?: number; memoryLimit?: number };
  pids?: { threads: number; limit: number };
  /** Process numbers. */
  processes: number[];
  oomKills?: number;
  /** By `major:minor`. */
  disks: Map<string, { readBytes: number; writeBytes: number; reads: number; writes: number }>;
  /** Stalled time: `cpu`, `memory`, `io`, of some and of all tasks. */
  pressure: Map<string, { some: number; full: number }>;
}

type Numbers = ReadonlyMap<string, number>;

const pairs = (text: string | undefined): Numbers =>
  new Map(
    (text ?? '').split('\n').flatMap((line) => {
      const [key, value] = line.split(' ');
      return key && value !== undefined ? [[key, Number(value)] as const] : [];
    }),
  );

const number = (text: string | undefined): number | undefined => {
  const trimmed = text?.trim();
  return trimmed === undefined || trimmed === '' || trimmed === 'max' ? undefined : Number(trimmed);
};

/** The kernel counts in these. */
const ticksPerSecond = 100;

type Read = (controller: string, file: string) => Promise<string | undefined>;

async function versionOne(read: Read): Promise<Omit<GroupUsage, 'at' | 'processes' | 'pids'>> {
  const [total, split, cfs, memory, usage, max, failures, kernel, limit, shares, quota, period, bytes, served, oom] = await Promise.all([
    read('cpuacct', 'cpuacct.usage'),
    read('cpuacct', 'cpuacct.stat'),
    read('cpu', 'cpu.stat'),
    read('memory', 'memory.stat'),
    read('memory', 'memory.usage_in_bytes'),
    read('memory', 'memory.max_usage_in_bytes'),
    read('memory', 'memory.failcnt'),
    read('memory', 'memory.kmem.usage_in_bytes'),
    read('memory', 'memory.limit_in_bytes'),
    read('cpu', 'cpu.shares'),
    read('cpu', 'cpu.cfs_quota_us'),
    read('cpu', 'cpu.cfs_period_us'),
    read('blkio', 'blkio.throttle.io_service_bytes'),
    read('blkio', 'blkio.throttle.io_serviced'),
    read('memory', 'memory.oom_control'),
  ]);
  const cpu = pairs(split);
  const stat = pairs(memory);
  const throttle = pairs(cfs);
  const used = number(usage);
  const inactiveFile = stat.get('total_inactive_file') ?? 0;
  const quotaValue = number(quota);
  const memoryLimit = number(limit);
  const disks: GroupUsage['disks'] = new Map();
  for (const [text, isBytes] of [
    [bytes, true],
    [served, false],
  ] as const) {
    for (const line of (text ?? '').split('\n')) {
      const [device = '', kind = '', count = '0'] = line.split(' ');
      if (kind !== 'Read' && kind !== 'Write') continue;
      const disk = disks.get(device) ?? { readBytes: 0, writeBytes: 0, reads: 0, writes: 0 };
      disk[`${kind === 'Read' ? 'read' : 'write'}${isBytes ? 'Bytes' : 's'}` as const] = Number(count);
      disks.set(device, disk);
    }
  }
  return {
    ...(total === undefined
      ? {}
      : { cpu: { total: Number(total) / 1e9, user: (cpu.get('user') ?? 0) / ticksPerSecond, system: (cpu.get('system') ?? 0) / ticksPerSecond } }),
    ...(cfs === undefined
      ? {}
      : {
          throttling: {
            periods: throttle.get('nr_periods') ?? 0,
            throttled: throttle.get('nr_throttled') ?? 0,
            seconds: (throttle.get('throttled_time') ?? 0) / 1e9,
          },
        }),
    ...(used === undefined
      ? {}
      : {
          memory: {
            usage: used,
            workingSet: Math.max(0, used - inactiveFile),
            rss: stat.get('total_rss') ?? 0,
            cache: stat.get('total_cache') ?? 0,
            mapped: stat.get('total_mapped_file') ?? 0,
            swap: stat.get('total_swap') ?? 0,
            kernel: number(kernel) ?? 0,
            max: number(max) ?? 0,
            failures: number(failures) ?? 0,
            activeFile: stat.get('total_active_file') ?? 0,
            inactiveFile,
            pageFaults: stat.get('total_pgfault') ?? 0,
            majorPageFaults: stat.get('total_pgmajfault') ?? 0,
          },
        }),
    spec: {
      ...(shares === undefined ? {} : { shares: Number(shares), period: number(period) ?? 100_000 }),
      ...(quotaValue !== undefined && quotaValue > 0 ? { quota: quotaValue } : {}),
      // "No limit" is the largest number of whole pages.
      ...(memoryLimit !== undefined && memoryLimit < 2 ** 62 ? { memoryLimit } : {}),
    },
    ...(pairs(oom).has('oom_kill') ? { oomKills: pairs(oom).get('oom_kill') ?? 0 } : {}),
    disks,
    pressure: new Map(),
  };
}

async function versionTwo(read: Read): Promise<Omit<GroupUsage, 'at' | 'processes' | 'pids'>> {
  const files = [
    'cpu.stat',
    'memory.current',
    'memory.stat',
    'memory.peak',
    'memory.max',
    'memory.swap.current',
    'memory.events',
    'cpu.weight',
    'cpu.max',
    'io.stat',
  ];
  const stalls = ['cpu', 'memory', 'io'];
  const [texts, pressures] = await Promise.all([
    Promise.all(files.map((file) => read('', file))),
    Promise.all(stalls.map((what) => read('', `${what}.pressure`))),
  ]);
  const [cpuText, current, stat, peak, max, swap, events, weight, cpuMax, io] = texts;
  const cpu = pairs(cpuText);
  const memory = pairs(stat);
  const used = number(current);
  const inactiveFile = memory.get('inactive_file') ?? 0;
  const [quota, period] = (cpuMax ?? '').trim().split(' ');
  const memoryLimit = number(max);
  const disks: GroupUsage['disks'] = new Map();
  for (const line of (io ?? '').split('\n').filter(Boolean)) {
    const [device = '', ...fields] = line.split(' ');
    const of = new Map(fields.map((field) => field.split('=') as [string, string]));
    const at = (key: string): number => Number(of.get(key) ?? 0);
    disks.set(device, { readBytes: at('rbytes'), writeBytes: at('wbytes'), reads: at('rios'), writes: at('wios') });
  }
  const pressure: GroupUsage['pressure'] = new Map();
  for (const [index, text] of pressures.entries()) {
    if (text === undefined) continue;
    const total = (kind: string): number => Number(new RegExp(`^${kind} .*total=(\\d+)`, 'm').exec(text)?.[1] ?? 0) / 1e6;
    pressure.set(stalls[index] ?? '', { some: total('some'), full: total('full') });
  }
  const seconds = (key: string): number => (cpu.get(key) ?? 0) / 1e6;
  return {
    ...(cpuText === undefined ? {} : { cpu: { total: seconds('usage_usec'), user: seconds('user_usec'), system: seconds('system_usec') } }),
    ...(cpu.has('nr_periods')
      ? { throttling: { periods: cpu.get('nr_periods') ?? 0, throttled: cpu.get('nr_throttled') ?? 0, seconds: seconds('throttled_usec') } }
      : {}),
    ...(used === undefined
      ? {}
      : {
          memory: {
            usage: used,
            workingSet: Math.max(0, used - inactiveFile),
            rss: memory.get('anon') ?? 0,
            cache: memory.get('file') ?? 0,
            mapped: memory.get('file_mapped') ?? 0,
            swap: number(swap) ?? 0,
            kernel: memory.get('kernel') ?? 0,
            max: number(peak) ?? 0,
            failures: pairs(events).get('max') ?? 0,
            activeFile: memory.get('active_file') ?? 0,
            inactiveFile,
            pageFaults: memory.get('pgfault') ?? 0,
            majorPageFaults: memory.get('pgmajfault') ?? 0,
          },
        }),
    spec: {
      // The inverse of the runtime's conversion of shares to weights.
      ...(weight === undefined ? {} : { shares: Math.round(2 + ((Number(weight) - 1) * 262_142) / 9999), period: Number(period) || 100_000 }),
      ...(quota && quota !== 'max' ? { quota: Number(quota) } : {}),
      ...(memoryLimit === undefined ? {} : { memoryLimit }),
    },
    ...(events === undefined ? {} : { oomKills: pairs(events).get('oom_kill') ?? 0 }),
    disks,
    pressure,
  };
}

/** Undefined when there is no such group. */
export async function groupUsage(hierarchy: CgroupHierarchy, path: string): Promise<GroupUsage | undefined> {
  const read: Read = (controller, file) => hierarchy.read(controller, path, file).catch(() => undefined);
  const procs = await read('memory', 'cgroup.procs');
  if (procs === undefined) return undefined;
  const [rest, threads, limit] = await Promise.all([
    hierarchy.version === 1 ? versionOne(read) : versionTwo(read),
    read('pids', 'pids.current'),
    read('pids', 'pids.max'),
  ]);
  const processes = procs.split('\n').filter(Boolean).map(Number);
  return { ...rest, at: Date.now(), processes, ...(threads === undefined ? {} : { pids: { threads: Number(threads), limit: number(limit) ?? 0 } }) };
}
