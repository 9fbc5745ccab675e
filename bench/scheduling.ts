/** How many pods per second the scheduler decides about, without server and binding: `node bench/scheduling.ts`. */

import { decide } from '../src/scheduler/framework/decide.ts';
import { createPodInfo } from '../src/scheduler/state/podinfo.ts';
import { makeCluster, makeNode, makePod } from '../src/scheduler/testing/cluster.ts';

const pods = 5_000;
const zone = 'topology.kubernetes.io/zone';

/** With a service the pods spread over hosts and zones, which means counting. */
function measure(nodes: number, withService: boolean): number {
  const cluster = makeCluster({
    nodes: Array.from({ length: nodes }, (_, i) => makeNode(`n${i}`, { cpu: '32', memory: '256Gi', labels: { [zone]: `z${i % 3}` } })),
    services: withService ? [{ metadata: { name: 's', namespace: 'default' }, spec: { selector: { app: 'web' } } }] : [],
  });
  const { snapshot, nominator, profile } = cluster;
  let startAt = 0;
  const start = performance.now();
  for (let i = 0; i < pods; i++) {
    const pod = createPodInfo(makePod(`p${i}`, { cpu: '100m', memory: '128Mi', labels: { app: 'web' } }));
    const decision = decide({ pod, snapshot, nominator, profile, startAt, random: Math.random });
    if (decision.outcome !== 'node') throw new Error(`p${i} fits nowhere`);
    startAt = (startAt + decision.looked) % nodes;
    cluster.cluster.assume(pod, decision.node.name);
  }
  return Math.round((pods / (performance.now() - start)) * 1000);
}

for (const nodes of [1_000, 5_000]) {
  for (const withService of [false, true]) console.log(`${nodes} nodes${withService ? ', spreading' : ''}: ${measure(nodes, withService)} pods/s`);
}
