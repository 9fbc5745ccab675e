/** Looks at every ready node now and then, and remembers what it and its pods use. */
import type { Logger } from 'pino';
import { nodes } from '../../../api/core/v1/node.ts';
import type { Node } from '../../../api/core/v1/types.gen.ts';
import type { ObjectReader } from '../../contracts.ts';
import type { KubeletClientOptions } from '../pods/streaming.ts';
import { kubeletOf } from '../proxy/node.ts';
import { scrapeKubelet } from './scrape.ts';
import type { NodeReading, Usage } from './usage.ts';
import { nodeUsageBetween, readNode } from './usage.ts';

export interface PodUsage {
  /** The name of the node that told it. */
  node: string;
  /** By container. */
  containers: ReadonlyMap<string, Usage>;
}

export interface UsageCollector {
  start(): void;
  stop(): void;
  /** Undefined when it is not known, or not any more. */
  node(name: string): Usage | undefined;
  pod(namespace: string, name: string): PodUsage | undefined;
}

export interface CollectorOptions {
  reader: ObjectReader;
  kubelet: KubeletClientOptions;
  log?: Logger | undefined;
  /** Milliseconds since the epoch. */
  now?(): number;
  /** Milliseconds between two looks at a node. Default 15,000. */
  everyMs?: number;
  /** The same for the first two, since there is no use to tell before the second. Default 5000. */
  firstMs?: number;
}

const timeoutMs = 10_000;
/** Nodes that are there from the start are looked at one after the other, so that a large cluster does not answer all at once. */
const spreadMs = 15;
/** A kubelet that does not answer is asked less and less often: after the fifth failure, every sixteen rounds. */
const mostDoublings = 4;

interface Followed {
  timer?: NodeJS.Timeout;
  reading?: NodeReading;
  usage?: Usage | undefined;
  /** In a row. */
  failures: number;
  pods: readonly string[];
}

/** A node that does not say where its kubelet listens has none that could be asked. */
const isReady = ({ status }: Node): boolean =>
  (status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0) > 0 &&
  (status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false);

export function createUsageCollector({ reader, kubelet, log, now = Date.now, everyMs = 15_000, firstMs = 5_000 }: CollectorOptions): UsageCollector {
  /** What was seen longer ago than this is not told any more: three looks have failed. */
  const staleMs = 3 * everyMs;
  const followed = new Map<string, Followed>();
  const pods = new Map<string, PodUsage>();
  const stopped = new AbortController();

  function follow(name: string, delay: number): void {
    if (stopped.signal.aborted || followed.has(name)) return;
    const one: Followed = { failures: 0, pods: [] };
    followed.set(name, one);
    plan(name, one, delay);
  }

  function plan(name: string, one: Followed, delay: number): void {
    one.timer = setTimeout(() => void look(name, one), delay);
    one.timer.unref();
  }

  function forgetPods(name: string, one: Followed): void {
    for (const key of one.pods) if (pods.get(key)?.node === name) pods.delete(key);
    one.pods = [];
  }

  /** A node that is gone, or not ready, is left alone until it is ready again. */
  async function look(name: string, one: Followed): Promise<void> {
    const began = now();
    let next = everyMs;
    try {
      const node = await reader.get<Node>(nodes, '', name);
      if (!node || !isReady(node)) {
        forgetPods(name, one);
        followed.delete(name);
        return;
      }
      const text = await scrapeKubelet(kubelet, kubeletOf(node), AbortSignal.any([stopped.signal, AbortSignal.timeout(timeoutMs)]));
      one.failures = 0;
      if (!one.reading) next = firstMs;
      remember(name, one, readNode(text, began));
    } catch (error) {
      next = everyMs * 2 ** Math.min(one.failures++, mostDoublings);
      if (!stopped.signal.aborted) log?.debug({ err: error, node: name }, 'what a node uses could not be read');
    }
    if (!stopped.signal.aborted) plan(name, one, Math.max(0, next - (now() - began)));
  }

  function remember(name: string, one: Followed, reading: NodeReading): void {
    const usage = nodeUsageBetween(one.reading, reading);
    forgetPods(name, one);
    one.reading = reading;
    one.usage = usage.node;
    one.pods = [...usage.pods.keys()];
    for (const [key, containers] of usage.pods) pods.set(key, { node: name, containers });
  }

  const isFresh = ({ at }: Usage): boolean => now() - at < staleMs;

  return {
    start() {
      reader.onChange<Node>(nodes, (type, node) => {
        if (type === 'put' && isReady(node)) follow(node.metadata.name, 0);
      });
      void reader.list<Node>(nodes).then((all) => {
        for (const [index, node] of all.filter(isReady).entries()) follow(node.metadata.name, index * spreadMs);
      });
    },
    stop() {
      stopped.abort(new Error('the server stops'));
      for (const { timer } of followed.values()) clearTimeout(timer);
      followed.clear();
      pods.clear();
    },
    node(name) {
      const usage = followed.get(name)?.usage;
      return usage && isFresh(usage) ? usage : undefined;
    },
    pod(namespace, name) {
      const usage = pods.get(`${namespace}/${name}`);
      return usage && [...usage.containers.values()].every(isFresh) ? usage : undefined;
    },
  };
}
