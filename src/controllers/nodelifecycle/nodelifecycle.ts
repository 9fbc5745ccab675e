/** `node-lifecycle-controller`: notices nodes that went silent, keeps taints in line with conditions, and so has pods moved elsewhere. */
import { isDeepStrictEqual } from 'node:util';
import { leases as leaseKind } from '../../api/coordination/v1/lease.ts';
import { nodes as nodeKind } from '../../api/core/v1/node.ts';
import { setPodCondition } from '../../api/core/v1/pod/helpers.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Node, Pod, Taint } from '../../api/core/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { Counter, metrics } from '../../apimachinery/metrics.ts';
import { podsOnNodes } from '../common/podsonnodes.ts';
import { settingsOf } from '../common/settings.ts';
import { defineController } from '../controller.ts';
import { createHeartbeats, evictingTaint, legacyLabels, noExecuteTaints, noScheduleTaints, readyOf, unknownConditions } from './health.ts';
import { createZones, zoneOf } from './zones.ts';

const evictions = metrics.add(new Counter('node_collector_evictions_total', 'Nodes that pods are driven from, by zone.', ['zone']));

const defaultGraceMs = 50_000;
/** A node that never reported gets a little longer. */
const startupGraceMs = 60_000;
const defaultPeriodMs = 5_000;

export const nodeLifecycleController = defineController({
  name: 'node-lifecycle-controller',
  identity: 'node-controller',
  eventSource: 'node-controller',
  setup(context, enqueue) {
    const { client, informers, events, now } = context;
    const { nodeMonitorGraceMs = defaultGraceMs, nodeMonitorPeriodMs = defaultPeriodMs } = settingsOf(context);
    // The time of day may jump, by hours, and no node is silent for that.
    const began = now().getTime() - performance.now();
    const elapsed = (): number => began + performance.now();
    const nodes = informers.informer(nodeKind);
    const pods = informers.informer(podKind);
    const leases = informers.informer(leaseKind, { namespace: 'kube-node-lease' });
    const nodeClient = client.resource(nodeKind);
    const podClient = client.resource(podKind);
    const onNode = podsOnNodes(pods);
    const heartbeats = createHeartbeats();
    const zones = createZones();
    const reference = ({ metadata: { name, uid } }: Pick<Node, 'metadata'>) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, uid } });
    const say = (node: Node, reason: string, what: string): void =>
      events.event(reference(node), 'Normal', reason, `Node ${node.metadata.name} event: ${what}`);
    const note = (node: Node): number => heartbeats.observe(node, leases.get('kube-node-lease', node.metadata.name), elapsed());

    function track(change: () => void): void {
      const before = zones.allDisrupted;
      change();
      if (zones.allDisrupted !== before) for (const node of nodes.list()) enqueue(node.metadata.name);
    }

    nodes.addHandlers({
      added(node) {
        say(node, 'RegisteredNode', `Registered Node ${node.metadata.name} in Controller`);
        track(() => zones.set(node));
        enqueue(node.metadata.name);
      },
      updated(node, old) {
        note(node);
        track(() => zones.set(node));
        const interesting = (one: Node): unknown => [one.spec, one.metadata.labels, one.status?.conditions?.map(({ type, status }) => [type, status])];
        if (!isDeepStrictEqual(interesting(node), interesting(old))) enqueue(node.metadata.name);
      },
      deleted(node) {
        say(node, 'RemovingNode', `Removing Node ${node.metadata.name} from Controller`);
        heartbeats.forget(node.metadata.name);
        track(() => zones.remove(node.metadata.name));
      },
    });
    const renewed = ({ metadata }: { metadata: { name: string } }): void => {
      const node = nodes.get('', metadata.name);
      if (node) note(node);
    };
    leases.addHandlers({ added: renewed, updated: renewed });

    async function markPodsNotReady(nodeName: string): Promise<void> {
      const ready = onNode(nodeName).filter(({ status }) => status?.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True'));
      await Promise.all(ready.map(markNotReady));
    }

    async function markNotReady(pod: Pod): Promise<void> {
      const { namespace = '', name, uid } = pod.metadata;
      const status = structuredClone(pod.status ?? {});
      setPodCondition(status, { type: 'Ready', status: 'False' }, now());
      const conditions = status.conditions!.filter(({ type }) => type === 'Ready');
      try {
        await podClient.patch(namespace, name, 'strategic', { metadata: { uid }, status: { conditions } }, { subresource: 'status' });
        events.event({ apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata }, 'Warning', 'NodeNotReady', 'Node is not ready');
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }

    /** Writes only if nobody changed the node since. */
    const patchNode = (node: Node, patch: Record<string, unknown>, subresource?: string): Promise<Node> =>
      nodeClient.patch(
        '',
        node.metadata.name,
        'merge',
        { ...patch, metadata: { ...(patch['metadata'] as object), resourceVersion: node.metadata.resourceVersion } },
        subresource ? { subresource } : {},
      );

    async function markUnknown(node: Node): Promise<Node> {
      const conditions = unknownConditions(node, now());
      if (!conditions) return node;
      const wasReady = readyOf(node)?.status === 'True';
      const updated = await patchNode(node, { status: { conditions } }, 'status');
      if (wasReady) events.event(reference(node), 'Normal', 'NodeNotReady', `Node ${node.metadata.name} status is now: NodeNotReady`);
      return updated;
    }

    /** The taints that the node should have, and when to look again because its zone's turn has not come. */
    function taintsOf(node: Node): { taints: Taint[]; waitMs: number } {
      const scheduling = noScheduleTaints(node);
      const wanted = zones.allDisrupted ? undefined : evictingTaint(readyOf(node));
      const evicted = scheduling.some(
        ({ key, effect }) => effect === 'NoExecute' && (key === 'node.kubernetes.io/not-ready' || key === 'node.kubernetes.io/unreachable'),
      );
      const waitMs = wanted && !evicted ? zones.turn(node, elapsed()) : 0;
      if (wanted && !evicted && waitMs === 0) evictions.add(1, zoneOf(node));
      return { taints: waitMs > 0 ? scheduling : noExecuteTaints(scheduling, wanted, now()), waitMs };
    }

    return {
      async reconcile(name) {
        let node = nodes.get('', name);
        if (!node) return;
        const silentMs = elapsed() - note(node);
        const graceMs = readyOf(node) ? nodeMonitorGraceMs : Math.max(startupGraceMs, nodeMonitorGraceMs);
        if (silentMs > graceMs) {
          node = await markUnknown(node);
          await markPodsNotReady(name);
        }
        const { taints, waitMs } = taintsOf(node);
        const labels = legacyLabels(node.metadata.labels ?? {});
        const patch = {
          ...(isDeepStrictEqual(taints, node.spec.taints ?? []) ? {} : { spec: { taints: taints.length > 0 ? taints : null } }),
          ...(Object.keys(labels).length > 0 ? { metadata: { labels } } : {}),
        };
        if (Object.keys(patch).length > 0) await patchNode(node, patch);
        const untilSilent = silentMs > graceMs ? nodeMonitorPeriodMs : graceMs - silentMs + 1;
        return { requeueAfterMs: Math.min(untilSilent, waitMs > 0 ? Math.min(waitMs, nodeMonitorPeriodMs) : untilSilent) };
      },
    };
  },
});
