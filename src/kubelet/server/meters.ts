/** What the kubelet counts of itself while it works, under upstream's names; shown at `/metrics`. */
import { family, type Sample } from './exposition.ts';

interface Counter {
  help: string;
}

/** Without the prefix `kubelet_`. */
const counters = {
  runtime_operations_total: { help: 'Cumulative number of runtime operations by operation type.' },
  runtime_operations_errors_total: { help: 'Cumulative number of runtime operation errors by operation type.' },
  evictions: { help: 'Cumulative number of pod evictions by eviction signal' },
  preemptions: { help: 'Cumulative number of pod preemptions by preemption resource' },
  started_pods_total: { help: 'Cumulative number of pods started' },
  started_pods_errors_total: { help: 'Cumulative number of errors when starting pods' },
  started_containers_total: { help: 'Cumulative number of containers started' },
  started_containers_errors_total: { help: 'Cumulative number of errors when starting containers' },
  image_garbage_collected_total: { help: 'Total number of images garbage collected by the kubelet, whether through disk usage or image age.' },
  admission_rejections_total: { help: 'Cumulative number pod admission rejections by the Kubelet.' },
  device_plugin_registration_total: { help: 'Cumulative number of device plugin registrations. Broken down by resource name.' },
  topology_manager_admission_requests_total: { help: 'The number of admission requests where resources have to be aligned.' },
  server_expiration_renew_errors: { help: 'Counter of certificate renewal errors.' },
  topology_manager_admission_errors_total: { help: 'The number of admission request failures where resources could not be aligned.' },
} satisfies Record<string, Counter>;

const durations = {
  runtime_operations_duration_seconds: {
    help: 'Duration in seconds of runtime operations. Broken down by operation type.',
    buckets: Array.from({ length: 14 }, (_, index) => 0.005 * 2.5 ** index),
  },
  pleg_relist_duration_seconds: {
    help: 'Duration in seconds for relisting pods in PLEG.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  device_plugin_alloc_duration_seconds: {
    help: 'Duration in seconds to serve a device plugin Allocation request. Broken down by resource name.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  certificate_manager_server_rotation_seconds: {
    help: 'Histogram of the number of seconds the previous certificate lived before being rotated.',
    buckets: [60, 3600, 14400, 86400, 604800, 2592000, 7776000, 15552000, 31104000, 124416000],
  },
  image_pull_duration_seconds: {
    help: 'Duration in seconds to pull an image.',
    buckets: [1, 5, 10, 20, 30, 60, 180, 300, 600, 900, 1200, 1800, 2700, 3600],
  },
} as const;

export type CounterName = keyof typeof counters;
export type DurationName = keyof typeof durations;
type Labels = Readonly<Record<string, string>>;

export interface Meters {
  count(name: CounterName, labels?: Labels): void;
  observe(name: DurationName, seconds: number, labels?: Labels): void;
  /** In the text format. */
  show(): string;
}

interface Distribution {
  labels: Labels;
  counts: number[];
  sum: number;
  total: number;
}

export function createMeters(): Meters {
  const counted = new Map<string, { name: CounterName; labels: Labels; value: number }>();
  const observed = new Map<string, Distribution & { name: DurationName }>();

  function histogram(name: DurationName): string {
    const { help, buckets } = durations[name];
    const prefix = `kubelet_${name}`;
    const found = [...observed.values()].filter((one) => one.name === name);
    if (found.length === 0) return '';
    const lines = found.map(({ labels, counts, sum, total }) => {
      const bounds = [...buckets.map(String), '+Inf'];
      const cumulative = bounds.map(
        (le, index): Sample => ({ labels: { ...labels, le }, value: counts.slice(0, index + 1).reduce((all, one) => all + one, 0) }),
      );
      return [
        ...cumulative.map((sample) => bare(`${prefix}_bucket`, sample)),
        bare(`${prefix}_sum`, { labels, value: sum }),
        bare(`${prefix}_count`, { labels, value: total }),
      ].join('');
    });
    return `# HELP ${prefix} ${help}\n# TYPE ${prefix} histogram\n${lines.join('')}`;
  }

  return {
    count: (name, labels = {}) => {
      const key = `${name}${JSON.stringify(labels)}`;
      const entry = counted.get(key);
      if (entry) entry.value++;
      else counted.set(key, { name, labels, value: 1 });
    },
    observe: (name, seconds, labels = {}) => {
      const key = `${name}${JSON.stringify(labels)}`;
      const { buckets } = durations[name];
      let entry = observed.get(key);
      if (!entry) {
        entry = { name, labels, counts: new Array(buckets.length + 1).fill(0), sum: 0, total: 0 };
        observed.set(key, entry);
      }
      const index = buckets.findIndex((bound) => seconds <= bound);
      const at = index < 0 ? buckets.length : index;
      entry.counts[at] = (entry.counts[at] ?? 0) + 1;
      entry.sum += seconds;
      entry.total++;
    },
    show: () => {
      const all = [...counted.values()];
      return [
        ...(Object.keys(counters) as CounterName[]).map((name) =>
          family(
            `kubelet_${name}`,
            'counter',
            counters[name].help,
            all.filter((one) => one.name === name),
          ),
        ),
        ...(Object.keys(durations) as DurationName[]).map(histogram),
      ].join('');
    },
  };
}

/** One line, without head. */
const bare = (name: string, sample: Sample): string => family(name, 'counter', '', [sample]).split('\n').slice(2).join('\n');

/** `RunPodSandbox` → `run_podsandbox`, as upstream calls the runtime's operations. */
export const operationName = (method: string): string =>
  method
    .replace('PodSandbox', 'Podsandbox')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace('update_container_resources', 'update_container');
