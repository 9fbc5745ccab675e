/** Carries what informers of pods and nodes say into the scheduler's state, and wakes pods for which it matters. */

import type { Logger } from 'pino';
import { isPodTerminal } from '../api/core/v1/pod/helpers.ts';
import type { Node, Pod } from '../api/core/v1/types.gen.ts';
import { keyOf } from '../apimachinery/meta.ts';
import type { Informer } from '../client/informer.ts';
import type { SchedulingQueue } from './queue/queue.ts';
import { nodeEvents, podEvents, selfEvents } from './queue/rules.ts';
import type { Cluster } from './state/cluster.ts';
import type { Nominator } from './state/nominator.ts';
import { createPodInfo, type PodInfo, sameToScheduler } from './state/podinfo.ts';

export interface HandlersOptions {
  pods: Informer<Pod>;
  nodes: Informer<Node>;
  cluster: Cluster;
  queue: SchedulingQueue;
  nominator: Nominator;
  /** Whether pods of that `schedulerName` are ours. */
  isOurs(pod: Pod): boolean;
  log: Logger;
}

const uidOf = (pod: Pod): string => pod.metadata.uid ?? '';
const isAssigned = (pod: Pod): boolean => !!pod.spec.nodeName;

export function attachHandlers({ pods, nodes, cluster, queue, nominator, isOurs, log }: HandlersOptions): void {
  /** A selector that can't be read makes a pod that can't be scheduled; validation keeps such pods out. */
  function infoOf(pod: Pod): PodInfo | undefined {
    try {
      return createPodInfo(pod);
    } catch (error) {
      log.error({ err: error, key: keyOf(pod) }, 'a pod can not be read');
      return undefined;
    }
  }

  function waiting(pod: Pod, old?: Pod): void {
    if (!isOurs(pod) || cluster.isPlaced(uidOf(pod))) return;
    const info = infoOf(pod);
    if (!info) return;
    const nominated = pod.status?.nominatedNodeName ?? '';
    // An update that says nothing new must not undo a nomination that is still being written.
    if (!old || nominated !== (old.status?.nominatedNodeName ?? '')) nominator.nominate(info, nominated);
    if (old) queue.update(info, selfEvents(pod, old));
    else queue.add(info);
  }

  function assigned(pod: Pod): void {
    queue.remove(uidOf(pod));
    nominator.remove(uidOf(pod));
    cluster.setPod(pod);
    queue.wake({ resource: 'pod', action: 'add', object: pod });
  }

  function gone(pod: Pod): void {
    const uid = uidOf(pod);
    const freed = isAssigned(pod) || cluster.isPlaced(uid) || nominator.nodeOf(uid) !== undefined;
    queue.remove(uid);
    nominator.remove(uid);
    cluster.removePod(uid);
    if (freed) queue.wake({ resource: 'pod', action: 'delete', old: pod });
  }

  function updated(pod: Pod, old: Pod): void {
    if (uidOf(pod) !== uidOf(old)) {
      gone(old);
      if (!isPodTerminal(pod)) (isAssigned(pod) ? assigned : waiting)(pod);
    } else if (isPodTerminal(pod)) {
      if (!isPodTerminal(old)) gone(pod);
    } else if (!isAssigned(pod)) {
      waiting(pod, old);
    } else if (!isAssigned(old)) {
      assigned(pod);
    } else {
      if (sameToScheduler(pod, old) && cluster.refreshPod(pod)) return;
      cluster.setPod(pod);
      for (const event of podEvents(pod, old)) queue.wake(event);
    }
  }

  pods.addHandlers({
    added: (pod) => void (isPodTerminal(pod) ? undefined : isAssigned(pod) ? assigned(pod) : waiting(pod)),
    updated,
    deleted: gone,
  });
  nodes.addHandlers({
    added(node) {
      cluster.setNode(node);
      queue.wake({ resource: 'node', action: 'add', object: node });
    },
    updated(node, old) {
      cluster.setNode(node);
      for (const event of nodeEvents(node, old)) queue.wake(event);
    },
    deleted(node) {
      cluster.removeNode(node.metadata.name);
      queue.wake({ resource: 'node', action: 'delete', old: node });
    },
  });
}
