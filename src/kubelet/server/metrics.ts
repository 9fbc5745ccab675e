/** Metrics in the text format of Prometheus, under upstream's names. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { isStaticPod } from '../podworker/critical.ts';
import { family, one, type Sample } from './exposition.ts';
import type { ServerParts } from './server.ts';
import type { Summary } from './stats.ts';

const byOrigin = (pods: readonly Pod[]): Sample[] => {
  const fixed = pods.filter(isStaticPod).length;
  return [
    { labels: { static: '' }, value: pods.length - fixed },
    { labels: { static: 'true' }, value: fixed },
  ];
};

const volumeFields = [
  ['capacity_bytes', 'Capacity in bytes of the volume', 'capacityBytes'],
  ['available_bytes', 'Number of available bytes in the volume', 'availableBytes'],
  ['used_bytes', 'Number of used bytes in the volume', 'usedBytes'],
  ['inodes', 'Maximum number of inodes in the volume', 'inodes'],
  ['inodes_free', 'Number of free inodes in the volume', 'inodesFree'],
  ['inodes_used', 'Number of used inodes in the volume', 'inodesUsed'],
] as const;

/** Of claims alone. */
function volumeMetrics(pods: Summary['pods']): string[] {
  const claimed = new Map(
    pods.flatMap(({ volume = [] }) => volume.flatMap((stats) => (stats.pvcRef ? [[`${stats.pvcRef.namespace}/${stats.pvcRef.name}`, stats] as const] : []))),
  );
  return volumeFields.map(([name, help, field]) =>
    family(
      `kubelet_volume_stats_${name}`,
      'gauge',
      help,
      [...claimed.values()].map((stats) => ({
        labels: { namespace: stats.pvcRef?.namespace ?? '', persistentvolumeclaim: stats.pvcRef?.name ?? '' },
        value: stats[field] ?? 0,
      })),
    ),
  );
}

const processStart = (): string =>
  family(
    'process_start_time_seconds',
    'gauge',
    'Start time of the process since unix epoch in seconds.',
    one(Math.round(Date.now() / 1000 - process.uptime())),
  );

export function kubeletMetrics({ manager, cache, context }: ServerParts, { pods }: Pick<Summary, 'pods'>): string {
  const workers = manager.list();
  const states = new Map<string, number>();
  for (const { uid } of workers) for (const { state } of cache.last(uid)?.containers ?? []) states.set(state, (states.get(state) ?? 0) + 1);
  const { rss, heapUsed } = process.memoryUsage();
  return [
    family('kubelet_node_name', 'gauge', "The node's name. The count is always 1.", one(1, { node: context.options.nodeName })),
    family(
      'kubelet_running_pods',
      'gauge',
      'Number of pods that have a running pod sandbox',
      one(workers.filter(({ uid }) => cache.last(uid)?.sandboxes.some(({ ready }) => ready)).length),
    ),
    family(
      'kubelet_running_containers',
      'gauge',
      'Number of containers currently running',
      [...states].map(([state, value]) => ({ labels: { container_state: state }, value })),
    ),
    family('kubelet_desired_pods', 'gauge', 'The number of pods the kubelet is being instructed to run.', byOrigin(workers.map(({ pod }) => pod))),
    family(
      'kubelet_active_pods',
      'gauge',
      'The number of pods the kubelet considers active and which are being considered when admitting new pods.',
      byOrigin(manager.active()),
    ),
    family('process_resident_memory_bytes', 'gauge', 'Resident memory size in bytes.', one(rss)),
    family('nodejs_heap_size_used_bytes', 'gauge', 'Process heap size used from Node.js in bytes.', one(heapUsed)),
    family(
      'process_cpu_seconds_total',
      'counter',
      'Total user and system CPU time spent in seconds.',
      one((process.cpuUsage().user + process.cpuUsage().system) / 1e6),
    ),
    processStart(),
    ...volumeMetrics(pods),
    context.meters.show(),
  ].join('');
}

/** What metrics-server reads. */
export function resourceMetrics({ node, pods }: Summary): string {
  const seconds = (nanoseconds: number | undefined): number => (nanoseconds ?? 0) / 1e9;
  const containers = pods.flatMap(({ podRef, containers: list }) =>
    list.map((stats) => ({ labels: { container: stats.name, namespace: podRef.namespace, pod: podRef.name }, stats })),
  );
  const perPod = pods.map((stats) => ({ labels: { namespace: stats.podRef.namespace, pod: stats.podRef.name }, stats }));
  return [
    family(
      'container_cpu_usage_seconds_total',
      'counter',
      'Cumulative cpu time consumed by the container in core-seconds',
      containers.map(({ labels, stats }) => ({ labels, value: seconds(stats.cpu.usageCoreNanoSeconds), at: Date.parse(stats.cpu.time) })),
    ),
    family(
      'container_memory_working_set_bytes',
      'gauge',
      'Current working set of the container in bytes',
      containers.map(({ labels, stats }) => ({ labels, value: stats.memory.workingSetBytes ?? 0, at: Date.parse(stats.memory.time) })),
    ),
    family(
      'container_start_time_seconds',
      'gauge',
      'Start time of the container since unix epoch in seconds',
      containers.map(({ labels, stats }) => ({ labels, value: Date.parse(stats.startTime) / 1000 })),
    ),
    family(
      'node_cpu_usage_seconds_total',
      'counter',
      'Cumulative cpu time consumed by the node in core-seconds',
      one(seconds(node.cpu.usageCoreNanoSeconds), {}, Date.parse(node.cpu.time)),
    ),
    family(
      'node_memory_working_set_bytes',
      'gauge',
      'Current working set of the node in bytes',
      one(node.memory.workingSetBytes ?? 0, {}, Date.parse(node.memory.time)),
    ),
    family(
      'pod_cpu_usage_seconds_total',
      'counter',
      'Cumulative cpu time consumed by the pod in core-seconds',
      perPod.map(({ labels, stats }) => ({ labels, value: seconds(stats.cpu.usageCoreNanoSeconds), at: Date.parse(stats.cpu.time) })),
    ),
    family(
      'pod_memory_working_set_bytes',
      'gauge',
      'Current working set of the pod in bytes',
      perPod.map(({ labels, stats }) => ({ labels, value: stats.memory.workingSetBytes ?? 0, at: Date.parse(stats.memory.time) })),
    ),
    family('resource_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', one(0)),
  ].join('');
}

/** Keys as the probe manager counts: type, container, namespace/name, uid, result. */
export function probeMetrics(counts: ReadonlyMap<string, number>): string {
  const types: Record<string, string> = { liveness: 'Liveness', readiness: 'Readiness', startup: 'Startup' };
  const samples = [...counts].map(([key, value]) => {
    const [type = '', container = '', pod = '', uid = '', result = ''] = key.split('|');
    const [namespace = '', name = ''] = pod.split('/');
    return { labels: { container, namespace, pod: name, pod_uid: uid, probe_type: types[type] ?? type, result }, value };
  });
  return [
    processStart(),
    family('prober_probe_total', 'counter', 'Cumulative number of a liveness, readiness or startup probe for a container by result.', samples),
  ].join('');
}
