/** Registers the node and keeps its status: at once when something changes, as a heartbeat every five minutes otherwise. */
import { nodes } from '../../api/core/v1/node.ts';
import type { Node, NodeStatus } from '../../api/core/v1/types.gen.ts';
import { isAlreadyExists, isNotFound } from '../../apimachinery/errors.ts';
import { timeOf } from '../../apimachinery/meta.ts';
import type { Informer } from '../../client/informer.ts';
import { type KubeletContext, messageOf } from '../context.ts';
import type { Image } from '../cri/types.gen.ts';
import { volumesInUse } from '../csi/volume.ts';
import type { PressureType } from '../eviction/thresholds.ts';
import { sleep } from '../runtime/pleg.ts';
import { standardLabels } from './info.ts';
import { nodeStatus, worthReporting } from './status.ts';

/** A runtime that answers no more counts as down after so long: one that is started anew is back before. */
const runtimeDownMs = 30_000;
const imagesTimeoutMs = 10_000;
/** Milliseconds between looks while the node is not ready. */
const lookNotReadyMs = 100;

export interface NodeReporter {
  /** Resolves when the node is registered. */
  register(): Promise<void>;
  /** Keeps the status until the kubelet stops. */
  run(): Promise<void>;
  /** Look soon: something has changed. */
  poke(): void;
  node(): Node | undefined;
}

export interface ReporterInput {
  informer: Informer<Node>;
  port: number;
  /** Why the node can't take pods, besides what the runtime says. */
  problems(): string[];
  /** What runs out. */
  pressure(): ReadonlySet<PressureType>;
  /** When the runtime first says that its network is ready, or stops saying so. */
  networkChanged?(ready: boolean): void;
}

export function createNodeReporter(context: KubeletContext, { informer, port, problems, pressure, networkChanged }: ReporterInput): NodeReporter {
  const { client, options, config, cri, events, log, signal } = context;
  const resource = client.resource(nodes);
  let reported: NodeStatus | undefined;
  let reportedAt = 0;
  let own: Node | undefined;
  let ready = false;
  let networkReady: boolean | undefined;
  let runtimeSeen = 0;
  let runtimeSaid: string[] = [];
  let images: Image[] = [];
  let wake = new AbortController();

  async function runtimeProblems(): Promise<string[]> {
    try {
      const { status } = await cri.status();
      runtimeSeen = Date.now();
      const of = (type: string) => status?.conditions?.find((condition) => condition.type === type);
      const runtime = of('RuntimeReady');
      const network = of('NetworkReady');
      const before = networkReady;
      networkReady = network?.status ?? false;
      if (networkReady !== before) networkChanged?.(networkReady);
      const tell = (what: string, condition: typeof runtime): string[] =>
        condition?.status
          ? []
          : [`container runtime ${what}: ${condition?.type ?? ''}=false reason:${condition?.reason ?? ''} message:${condition?.message ?? ''}`];
      runtimeSaid = [...tell('not ready', runtime ?? { type: 'RuntimeReady' }), ...tell('network not ready', network ?? { type: 'NetworkReady' })];
      return runtimeSaid;
    } catch (error) {
      log.warn({ err: messageOf(error) }, 'the container runtime does not answer');
      return Date.now() - runtimeSeen < runtimeDownMs ? runtimeSaid : ['container runtime is down'];
    }
  }

  async function status(previous: NodeStatus): Promise<NodeStatus> {
    // What was there before still is, when the runtime is too busy to say.
    const listed = cri.listImages({ timeoutMs: imagesTimeoutMs }).catch(() => images);
    const [found, inUse] = await Promise.all([runtimeProblems(), volumesInUse(context)]);
    images = await listed;
    const all = [...found, ...problems()];
    ready = all.length === 0;
    return nodeStatus(context, { problems: all, pressure: pressure(), images, volumesInUse: inUse, port }, previous, timeOf(context.now()));
  }

  const target = () => ({ apiVersion: 'v1', kind: 'Node', metadata: { name: options.nodeName, uid: options.nodeName } });

  async function create(): Promise<Node> {
    const hostname = options.hostname ?? options.nodeName;
    const fresh: Node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: options.nodeName,
        labels: { ...standardLabels(hostname), ...options.labels },
        annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
      },
      spec: {
        ...(options.podCidr ? { podCIDR: options.podCidr, podCIDRs: [options.podCidr] } : {}),
        ...(config.providerID ? { providerID: config.providerID } : {}),
        ...(config.registerWithTaints.length ? { taints: [...config.registerWithTaints] } : {}),
      },
      status: await status({}),
    };
    try {
      const made = await resource.create(fresh);
      reported = made.status;
      reportedAt = Date.now();
      return made;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const known = await resource.get('', options.nodeName);
    const labels = { ...standardLabels(hostname), ...options.labels };
    const missing = Object.entries(labels).filter(([key, text]) => known.metadata.labels?.[key] !== text);
    if (missing.length === 0) return known;
    return resource.patch('', options.nodeName, 'strategic', { metadata: { labels: Object.fromEntries(missing) } });
  }

  async function report(): Promise<void> {
    const latest = informer.get('', options.nodeName) ?? own;
    const previous = reported ?? latest?.status ?? {};
    const foreign = (latest?.status?.conditions ?? []).filter(({ type }) => !previous.conditions?.some((condition) => condition.type === type));
    const next = await status({ ...previous, conditions: [...(previous.conditions ?? []), ...foreign], volumesAttached: latest?.status?.volumesAttached });
    if (reported && !worthReporting(reported, next) && Date.now() - reportedAt < config.nodeStatusReportFrequency) return;
    const wasReady = previous.conditions?.find(({ type }) => type === 'Ready')?.status;
    const { volumesAttached: _, ...patch } = next;
    try {
      own = await resource.patch(
        '',
        options.nodeName,
        'strategic',
        { status: { ...patch, addresses: [...(next.addresses ?? []), { $patch: 'replace' }] } },
        { subresource: 'status' },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
      log.warn({ node: options.nodeName }, 'the node is gone from the API: registering it again');
      own = await create();
    }
    reported = next;
    reportedAt = Date.now();
    const isReady = next.conditions?.find(({ type }) => type === 'Ready')?.status;
    if (isReady !== wasReady) {
      const event = isReady === 'True' ? 'NodeReady' : 'NodeNotReady';
      events.event(target(), 'Normal', event, `Node ${options.nodeName} status is now: ${event}`);
    }
  }

  return {
    register: async () => {
      for (let delay = 100; !signal.aborted; delay = Math.min(delay * 2, 7000)) {
        try {
          own = await create();
          return;
        } catch (error) {
          log.warn({ node: options.nodeName, err: messageOf(error) }, 'registering the node failed');
          await sleep(delay, signal);
        }
      }
    },
    run: async () => {
      while (!signal.aborted) {
        wake = new AbortController();
        await report().catch((error: unknown) => {
          if (!signal.aborted) log.warn({ node: options.nodeName, err: messageOf(error) }, 'reporting the status of the node failed');
        });
        await sleep(ready ? config.nodeStatusUpdateFrequency : lookNotReadyMs, AbortSignal.any([signal, wake.signal]));
      }
    },
    poke: () => wake.abort(),
    node: () => informer.get('', options.nodeName) ?? own,
  };
}
