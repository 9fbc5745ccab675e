/** How many pods per second of CPU the scheduler decides about, without server and binding: `node bench/scheduling.ts [--nodes 1000,5000]`. */
import { parseArgs } from 'node:util';
import type { Pod } from '../src/api/core/v1/types.gen.ts';
import { decide } from '../src/scheduler/framework/decide.ts';
import { createPodInfo } from '../src/scheduler/state/podinfo.ts';
import { makeCluster, makeNode, makePod } from '../src/scheduler/testing/cluster.ts';

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '1000,5000' }, pods: { type: 'string', default: '5000' }, only: { type: 'string' } },
});
const pods = Number(values.pods);
const zone = 'topology.kubernetes.io/zone';
const hostname = 'kubernetes.io/hostname';
const labelSelector = { matchLabels: { app: 'web' } };

type Spec = Pod['spec'];
const cases: Record<string, (index: number) => Partial<Spec>> = {
  plain: () => ({}),
  // A fifth as many groups as nodes: each of them has one pod per node.
  'anti-affinity': (index) => {
    const term = { labelSelector: { matchLabels: { group: `g${index % 20}` } }, topologyKey: hostname };
    return { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
  },
  affinity: () => ({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector, topologyKey: zone }] } } }),
  'topology spread': () => ({ topologySpreadConstraints: [{ maxSkew: 5, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector }] }),
  'default spread': () => ({}),
};

function measure(nodes: number, name: string): number {
  const cluster = makeCluster({
    nodes: Array.from({ length: nodes }, (_, i) => makeNode(`n${i}`, { cpu: '32', memory: '256Gi', labels: { [zone]: `z${i % 3}` } })),
    services: name === 'default spread' ? [{ metadata: { name: 's', namespace: 'default' }, spec: { selector: { app: 'web' } } }] : [],
  });
  const { snapshot, nominator, profile } = cluster;
  let startAt = 0;
  // Of this process's CPU, so that others on the machine don't count.
  const start = process.cpuUsage();
  for (let i = 0; i < pods; i++) {
    const { spec, ...pod } = makePod(`p${i}`, { cpu: '100m', memory: '128Mi', labels: { app: 'web', group: `g${i % 20}` } });
    const info = createPodInfo({ ...pod, spec: { ...spec, ...cases[name]!(i) } });
    const decision = decide({ pod: info, snapshot, nominator, profile, startAt, random: Math.random });
    if (decision.outcome !== 'node') throw new Error(`p${i} fits nowhere`);
    startAt = (startAt + decision.looked) % nodes;
    cluster.cluster.assume(info, decision.node.name);
  }
  const { user, system } = process.cpuUsage(start);
  return Math.round((pods / (user + system)) * 1_000_000);
}

for (const nodes of values.nodes.split(',').map(Number)) {
  for (const name of Object.keys(cases)) if (!values.only || values.only === name) console.log(`${nodes} nodes, ${name}: ${measure(nodes, name)} decisions/s`);
}
