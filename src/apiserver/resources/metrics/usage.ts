/** What was used between two looks at a node's counters. Source of the rule: metrics-server, whose numbers autoscalers are tuned to. */
import { parseExposition } from './exposition.ts';

/** One look at what a node or a container has used so far. Times are milliseconds since the epoch. */
export interface Reading {
  at: number;
  cpuSeconds: number;
  memoryBytes: number;
  /** Absent for nodes. */
  startedAt?: number;
}

export interface NodeReading {
  /** Absent when the kubelet did not tell both of its numbers. */
  node?: Reading;
  /** By `namespace/name`, then by container. */
  pods: ReadonlyMap<string, ReadonlyMap<string, Reading>>;
}

export interface Usage {
  /** When the later look was. */
  at: number;
  /** Milliseconds over which the CPU's use is averaged. */
  windowMs: number;
  cpuNanocores: number;
  memoryBytes: number;
}

export interface NodeUsage {
  node?: Usage;
  /** Only pods of which every container has been seen for long enough. */
  pods: ReadonlyMap<string, ReadonlyMap<string, Usage>>;
}

/** A container that has run for so long, and not longer, is counted from its start when there is no earlier look at it. */
const fresh = { fromMs: 10_000, toMs: 15_000 };

const fields: Readonly<Record<string, 'cpuSeconds' | 'memoryBytes' | 'startedAt'>> = {
  node_cpu_usage_seconds_total: 'cpuSeconds',
  node_memory_working_set_bytes: 'memoryBytes',
  container_cpu_usage_seconds_total: 'cpuSeconds',
  container_memory_working_set_bytes: 'memoryBytes',
  container_start_time_seconds: 'startedAt',
};

const complete = (reading: Partial<Reading>): reading is Reading => reading.cpuSeconds !== undefined && reading.memoryBytes !== undefined;

/** Of the text at a kubelet's `/metrics/resource`. A container without both of its numbers takes its pod with it. */
export function readNode(text: string, now: number): NodeReading {
  const node: Partial<Reading> = { at: now };
  const pods = new Map<string, Map<string, Partial<Reading>>>();
  for (const { name, labels, value, timestamp } of parseExposition(text)) {
    const field = fields[name];
    if (!field) continue;
    let reading = node;
    if (!name.startsWith('node_')) {
      const key = `${labels['namespace']}/${labels['pod']}`;
      const containers = pods.get(key) ?? new Map<string, Partial<Reading>>();
      pods.set(key, containers);
      const container = labels['container'] ?? '';
      reading = containers.get(container) ?? { at: now };
      containers.set(container, reading);
    }
    reading[field] = field === 'startedAt' ? value * 1000 : value;
    if (field === 'cpuSeconds' && timestamp !== undefined) reading.at = timestamp;
  }
  for (const [key, containers] of pods) if (![...containers.values()].every(complete)) pods.delete(key);
  return { ...(complete(node) ? { node } : {}), pods: pods as Map<string, Map<string, Reading>> };
}

/** Undefined when the two looks don't tell: there is no earlier one of the same run, and the container is not fresh. */
export function usageBetween(before: Reading | undefined, now: Reading): Usage | undefined {
  const { at, cpuSeconds, memoryBytes, startedAt } = now;
  const sameRun = before !== undefined && before.at < at && before.cpuSeconds <= cpuSeconds && !(startedAt !== undefined && startedAt > before.at);
  const age = startedAt === undefined ? 0 : at - startedAt;
  const isFresh = age >= fresh.fromMs && age <= fresh.toMs;
  if (!sameRun && !isFresh) return undefined;
  const windowMs = sameRun ? at - before.at : age;
  const used = sameRun ? cpuSeconds - before.cpuSeconds : cpuSeconds;
  return { at, windowMs, cpuNanocores: Math.round((used / windowMs) * 1e12), memoryBytes };
}

export function nodeUsageBetween(before: NodeReading | undefined, now: NodeReading): NodeUsage {
  const node = now.node && usageBetween(before?.node, now.node);
  const pods = new Map<string, Map<string, Usage>>();
  for (const [key, containers] of now.pods) {
    const usages = new Map<string, Usage>();
    for (const [name, reading] of containers) {
      const usage = usageBetween(before?.pods.get(key)?.get(name), reading);
      if (usage) usages.set(name, usage);
    }
    if (usages.size === containers.size) pods.set(key, usages);
  }
  return { ...(node ? { node } : {}), pods };
}
