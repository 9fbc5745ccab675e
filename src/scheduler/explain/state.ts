/** The scheduler's state as it is now, read through the API once, for explaining a decision. */
import { nodes as nodeKind } from '../../api/core/v1/node.ts';
import { isPodTerminal } from '../../api/core/v1/pod/helpers.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Client } from '../../client/client.ts';
import type { InformerFactory } from '../../client/informer.ts';
import { defaultConfiguration } from '../config/load.ts';
import type { SchedulerConfiguration } from '../config/types.ts';
import { createExtender } from '../extenders/extender.ts';
import type { PluginFactory, Snapshot } from '../framework/plugin.ts';
import { createListers } from '../listers.ts';
import { createProfiles } from '../profiles.ts';
import { slimPod } from '../slim.ts';
import { Cluster } from '../state/cluster.ts';
import { createNominator } from '../state/nominator.ts';
import { createPodInfo } from '../state/podinfo.ts';
import { type Explanation, explainDecision } from './explain.ts';

export interface ExplainOptions {
  client: Client;
  /** Not started yet; started and stopped here. */
  informers: InformerFactory;
  configuration?: SchedulerConfiguration;
  plugins?: Readonly<Record<string, PluginFactory>>;
}

/** Undefined: there is no such pod. Throws when no profile is for it. */
export async function explainPod(
  { client, informers, configuration, plugins }: ExplainOptions,
  namespace: string,
  name: string,
): Promise<Explanation | undefined> {
  const extenders = (configuration?.extenders ?? []).map(createExtender);
  const pods = informers.informer(podKind, extenders.length > 0 ? {} : { transform: slimPod });
  const nodes = informers.informer(nodeKind);
  const { listers } = createListers(informers);
  const nothing = { reserve: () => undefined, deallocate: () => Promise.resolve(), remove: () => Promise.resolve() };
  const profiles = createProfiles({
    configuration: configuration ?? defaultConfiguration(),
    client,
    ...(plugins ? { plugins } : {}),
    binders: { volumes: () => nothing, devices: () => nothing, managedElsewhere: [] },
  });
  try {
    await informers.start();
    const pod = pods.get(namespace, name);
    if (!pod) return undefined;
    const profile = profiles.get(pod.spec.schedulerName || 'default-scheduler');
    if (!profile) throw new Error(`pod ${namespace}/${name} is not for this scheduler: its schedulerName is "${pod.spec.schedulerName}"`);
    const cluster = new Cluster();
    const nominator = createNominator();
    for (const node of nodes.list()) cluster.setNode(node);
    for (const other of pods.list()) {
      if (other.metadata.uid === pod.metadata.uid || isPodTerminal(other)) continue;
      if (other.spec.nodeName) cluster.setPod(other);
      else if (other.status?.nominatedNodeName) nominator.nominate(createPodInfo(other), other.status.nominatedNodeName);
    }
    const snapshot: Snapshot = Object.assign(cluster, { listers });
    const { nodeName, ...spec } = pod.spec;
    const info = createPodInfo({ ...pod, spec });
    const explanation = await explainDecision({ pod: info, snapshot, nominator, profile, now: Date.now(), extenders });
    return nodeName ? { ...explanation, boundTo: nodeName } : explanation;
  } finally {
    await informers.stop();
    for (const extender of extenders) extender.close();
  }
}
