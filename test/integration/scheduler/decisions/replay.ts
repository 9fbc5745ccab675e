/** What knarr's filters and preemption say of a generated cluster: the counterpart of `record.ts`, without any server. */

import type { Pod } from '../../../../src/api/core/v1/types.gen.ts';
import type { Extender } from '../../../../src/scheduler/extenders/extender.ts';
import { findFeasible } from '../../../../src/scheduler/framework/decide.ts';
import { describe, reject } from '../../../../src/scheduler/framework/diagnosis.ts';
import { unresolvable } from '../../../../src/scheduler/framework/plugin.ts';
import { runPostFilters } from '../../../../src/scheduler/preemption/postfilter.ts';
import { createPodInfo } from '../../../../src/scheduler/state/podinfo.ts';
import { makeCluster, type TestCluster } from '../../../../src/scheduler/testing/cluster.ts';
import type { GeneratedCluster } from './generate.ts';
import { type Recorded, refusal } from './recorded.ts';
import { namespaces } from './words.ts';

export function buildCluster(cluster: GeneratedCluster): TestCluster {
  const { nodes, placed, nominated, waiting: _waiting, ...objects } = cluster;
  const built = makeCluster({ nodes, pods: placed, namespaces, ...objects });
  for (const pod of nominated) built.nominator.nominate(createPodInfo(pod), pod.status!.nominatedNodeName!);
  return built;
}

/** Refuses whatever it is asked, as the recorder's does. */
const refusing = (victims: Recorded['victims']): Extender => ({
  name: 'recorder',
  ignorable: false,
  isInterested: () => true,
  preempt(_pod, candidates) {
    for (const { node, pods, violations } of candidates) victims[node.name] = { pods: pods.map(({ pod }) => pod.metadata.name), violations };
    return Promise.resolve([]);
  },
  close() {},
});

export async function replay({ snapshot, nominator, profile }: TestCluster, waiting: Pod): Promise<Recorded> {
  const pod = createPodInfo(waiting);
  const found = findFeasible({ pod, snapshot, nominator, profile: { ...profile, percentageOfNodesToScore: 100 }, startAt: 0, random: () => 0 });
  if (found.outcome === 'no-nodes') throw new Error('there are no nodes');
  if (found.outcome === 'error') return { feasible: [], victims: {}, message: `running "${found.plugin}" filter plugin: ${found.message}` };
  const { diagnosis, checks } = found;
  const feasible = found.outcome === 'nodes' ? found.nodes.map(({ name }) => name) : [];
  for (const name of feasible) reject(diagnosis, name, unresolvable('Extender', refusal));
  const victims: Recorded['victims'] = {};
  const help = await runPostFilters(profile, { pod, snapshot, checks, diagnosis, nominator, now: 0, random: () => 0 }, [refusing(victims)]);
  diagnosis.preemption = help.message;
  return { feasible, victims, message: describe(diagnosis) };
}
