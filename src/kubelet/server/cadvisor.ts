/** `/metrics/cadvisor`: what each container, each sandbox and each pod uses, under the names and labels that cAdvisor gave them. */
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { type GroupUsage, groupUsage } from '../cgroups/usage.ts';
import { family, one, type Sample } from './exposition.ts';
import type { ServerParts } from './server.ts';

type Labels = Readonly<Record<string, string>>;

interface Measured {
  labels: Labels;
  usage: GroupUsage;
  startedAt?: Date;
  /** Only sandboxes have interfaces of their own. */
  interfaces: readonly Interface[];
}

interface Interface {
  name: string;
  rx: readonly number[];
  tx: readonly number[];
}

/** `/proc/<pid>/net/dev`: bytes, packets, errors, dropped; without the loopback. */
export function parseInterfaces(text: string): Interface[] {
  return text
    .split('\n')
    .slice(2)
    .flatMap((line) => {
      const [name = '', ...numbers] = line.trim().split(/[:\s]+/);
      return name && name !== 'lo' ? [{ name, rx: numbers.slice(0, 4).map(Number), tx: numbers.slice(8, 12).map(Number) }] : [];
    });
}

const interfacesOf = async ({ processes: [pid] }: GroupUsage): Promise<Interface[]> =>
  pid === undefined ? [] : parseInterfaces(await readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => ''));

async function measureAll({ context, manager, cache, cgroups }: ServerParts): Promise<Measured[]> {
  const found: Measured[] = [];
  const { driver } = context.options.cgroup;
  const groupOf = (parent: string, id: string): string => join(parent, driver === 'systemd' ? `cri-containerd-${id}.scope` : id);
  const measure = async (path: string, labels: Labels, more: { startedAt?: Date; network?: boolean } = {}): Promise<void> => {
    const usage = await groupUsage(cgroups.hierarchy, path);
    if (!usage) return;
    const interfaces = more.network ? await interfacesOf(usage) : [];
    found.push({ labels: { ...labels, id: path }, usage, interfaces, ...(more.startedAt ? { startedAt: more.startedAt } : {}) });
  };
  const nobody = { container: '', image: '', name: '', namespace: '', pod: '' };
  for (const path of ['/', cgroups.root, ...cgroups.tiers]) await measure(path, nobody);
  for (const { pod, uid, active } of manager.list()) {
    const runtime = cache.last(uid);
    if (!active || !runtime) continue;
    const parent = cgroups.path(pod);
    const of = { namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name };
    const [sandbox] = runtime.sandboxes;
    await Promise.all([
      measure(parent, { ...nobody, ...of }),
      sandbox?.ready && measure(groupOf(parent, sandbox.id), { ...nobody, ...of, name: sandbox.id }, { network: !sandbox.hostNetwork }),
      ...runtime.containers
        .filter(({ state }) => state === 'running')
        .map(({ id, name, image, startedAt }) => measure(groupOf(parent, id), { ...of, container: name, image, name: id }, startedAt ? { startedAt } : {})),
    ]);
  }
  return found;
}

type Pick = (measured: Measured) => number | undefined;
type Family = (name: string, type: 'counter' | 'gauge', help: string, pick: Pick, labels?: Labels) => string;

function cpuFamilies(per: Family): string[] {
  return [
    per('container_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed in seconds.', ({ usage }) => usage.cpu?.total, { cpu: 'total' }),
    per('container_cpu_user_seconds_total', 'counter', 'Cumulative user cpu time consumed in seconds.', ({ usage }) => usage.cpu?.user),
    per('container_cpu_system_seconds_total', 'counter', 'Cumulative system cpu time consumed in seconds.', ({ usage }) => usage.cpu?.system),
    ...(
      [
        ['container_cpu_cfs_periods_total', 'Number of elapsed enforcement period intervals.', 'periods'],
        ['container_cpu_cfs_throttled_periods_total', 'Number of throttled period intervals.', 'throttled'],
        ['container_cpu_cfs_throttled_seconds_total', 'Total time duration the container has been throttled.', 'seconds'],
      ] as const
    ).map(([name, help, field]) => per(name, 'counter', help, ({ usage }) => (usage.spec.quota ? usage.throttling?.[field] : undefined))),
    per('container_spec_cpu_period', 'gauge', 'CPU period of the container.', ({ usage }) => usage.spec.period),
    per('container_spec_cpu_quota', 'gauge', 'CPU quota of the container.', ({ usage }) => usage.spec.quota),
    per('container_spec_cpu_shares', 'gauge', 'CPU share of the container.', ({ usage }) => usage.spec.shares),
  ];
}

function memoryFamilies(per: Family): string[] {
  const gauges = [
    ['container_memory_cache', 'Number of bytes of page cache memory.', 'cache'],
    ['container_memory_rss', 'Size of RSS in bytes.', 'rss'],
    ['container_memory_kernel_usage', 'Size of kernel memory allocated in bytes.', 'kernel'],
    ['container_memory_mapped_file', 'Size of memory mapped files in bytes.', 'mapped'],
    ['container_memory_swap', 'Container swap usage in bytes.', 'swap'],
    ['container_memory_usage_bytes', 'Current memory usage in bytes, including all memory regardless of when it was accessed', 'usage'],
    ['container_memory_max_usage_bytes', 'Maximum memory usage recorded in bytes', 'max'],
    ['container_memory_working_set_bytes', 'Current working set in bytes.', 'workingSet'],
    ['container_memory_total_active_file_bytes', 'Current total active file in bytes.', 'activeFile'],
    ['container_memory_total_inactive_file_bytes', 'Current total inactive file in bytes.', 'inactiveFile'],
  ] as const;
  return [
    ...gauges.map(([name, help, field]) => per(name, 'gauge', help, ({ usage }) => usage.memory?.[field])),
    per('container_memory_failcnt', 'counter', 'Number of memory usage hits limits', ({ usage }) => usage.memory?.failures),
    per('container_oom_events_total', 'counter', 'Count of out of memory events observed for the container', ({ usage }) => usage.oomKills),
    per('container_spec_memory_limit_bytes', 'gauge', 'Memory limit for the container.', ({ usage }) => usage.spec.memoryLimit ?? 0),
  ];
}

function diskFamilies(all: readonly Measured[]): string[] {
  const fields = [
    ['container_fs_reads_bytes_total', 'Cumulative count of bytes read', 'readBytes'],
    ['container_fs_reads_total', 'Cumulative count of reads completed', 'reads'],
    ['container_fs_writes_bytes_total', 'Cumulative count of bytes written', 'writeBytes'],
    ['container_fs_writes_total', 'Cumulative count of writes completed', 'writes'],
  ] as const;
  return fields.map(([name, help, field]) =>
    family(
      name,
      'counter',
      help,
      all.flatMap(({ labels, usage }) =>
        [...usage.disks].map(([device, disk]): Sample => ({ labels: { ...labels, device }, value: disk[field], at: usage.at })),
      ),
    ),
  );
}

/** Writable layers, as the runtime measures them. */
async function layers({ context }: ServerParts, all: readonly Measured[]): Promise<Sample[]> {
  const stats = new Map((await context.cri.listContainerStats()).map((one) => [one.attributes?.id ?? '', one.writableLayer]));
  return all.flatMap(({ labels, usage }) => {
    const layer = stats.get(labels['name'] ?? '');
    if (!labels['container'] || !layer) return [];
    return [{ labels: { ...labels, device: layer.fsId?.mountpoint ?? '' }, value: layer.usedBytes?.value ?? 0, at: usage.at }];
  });
}

function networkFamilies(all: readonly Measured[]): string[] {
  const what = [
    ['bytes', 'bytes'],
    ['packets', 'packets'],
    ['errors', 'errors encountered while'],
    ['packets_dropped', 'packets dropped while'],
  ] as const;
  return (['receive', 'transmit'] as const).flatMap((direction) =>
    what.map(([unit, words], index) => {
      const help =
        index < 2
          ? `Cumulative count of ${words} ${direction === 'receive' ? 'received' : 'transmitted'}`
          : `Cumulative count of ${words} ${direction === 'receive' ? 'receiving' : 'transmitting'}`;
      return family(
        `container_network_${direction}_${unit}_total`,
        'counter',
        help,
        all.flatMap(({ labels, usage, interfaces }) =>
          interfaces.map(
            ({ name, rx, tx }): Sample => ({ labels: { ...labels, interface: name }, value: (direction === 'receive' ? rx : tx)[index] ?? 0, at: usage.at }),
          ),
        ),
      );
    }),
  );
}

function pressureFamilies(all: readonly Measured[]): string[] {
  const found = all.filter(({ usage }) => usage.pressure.size > 0);
  if (found.length === 0) return []; // a kernel that does not tell
  return ['cpu', 'memory', 'io'].flatMap((what) =>
    (['waiting', 'stalled'] as const).map((kind) =>
      family(
        `container_pressure_${what}_${kind}_seconds_total`,
        'counter',
        `Total time duration ${kind === 'waiting' ? 'tasks in the container have waited' : 'no tasks in the container could make progress'} due to ${what} congestion`,
        found.map(({ labels, usage }) => ({ labels, value: usage.pressure.get(what)?.[kind === 'waiting' ? 'some' : 'full'] ?? 0, at: usage.at })),
      ),
    ),
  );
}

export async function cadvisorMetrics(parts: ServerParts): Promise<string> {
  const all = await measureAll(parts);
  const per: Family = (name, type, help, pick, more = {}) =>
    family(
      name,
      type,
      help,
      all.flatMap((measured) => {
        const value = pick(measured);
        return value === undefined ? [] : [{ labels: { ...measured.labels, ...more }, value, at: measured.usage.at }];
      }),
    );
  const faults = all.flatMap(({ labels, usage }) =>
    usage.memory
      ? [
          { labels: { ...labels, failure_type: 'pgfault', scope: 'hierarchy' }, value: usage.memory.pageFaults, at: usage.at },
          { labels: { ...labels, failure_type: 'pgmajfault', scope: 'hierarchy' }, value: usage.memory.majorPageFaults, at: usage.at },
        ]
      : [],
  );
  return [
    ...cpuFamilies(per),
    ...memoryFamilies(per),
    family('container_memory_failures_total', 'counter', 'Cumulative count of memory allocation failures.', faults),
    family('container_fs_usage_bytes', 'gauge', 'Number of bytes that are consumed by the container on this filesystem.', await layers(parts, all)),
    ...diskFamilies(all),
    ...networkFamilies(all),
    ...pressureFamilies(all),
    per('container_processes', 'gauge', 'Number of processes running inside the container.', ({ usage }) => usage.processes.length),
    per('container_threads', 'gauge', 'Number of threads running inside the container', ({ usage }) => usage.pids?.threads),
    per(
      'container_threads_max',
      'gauge',
      'Maximum number of threads allowed inside the container, infinity if value is zero',
      ({ usage }) => usage.pids?.limit,
    ),
    per('container_start_time_seconds', 'gauge', 'Start time of the container since unix epoch in seconds.', ({ startedAt }) =>
      startedAt ? Math.floor(startedAt.getTime() / 1000) : undefined,
    ),
    per('container_last_seen', 'gauge', 'Last time a container was seen by the exporter', ({ usage }) => Math.floor(usage.at / 1000)),
    family('container_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', one(0)),
    family('machine_cpu_cores', 'gauge', 'Number of logical CPU cores.', one(cpus().length)),
    family('machine_memory_bytes', 'gauge', 'Amount of memory installed on the machine.', one(parts.context.resources.memory)),
    family('machine_scrape_error', 'gauge', '1 if there was an error while getting machine metrics, 0 otherwise.', one(0)),
  ].join('');
}
