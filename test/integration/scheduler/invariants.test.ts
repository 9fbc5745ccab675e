/** What must hold of every decision, whatever the cluster: on the generated clusters, with pods placed one after the other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requiredNodeTest } from '../../../src/api/core/v1/nodeselector.ts';
import { findUntoleratedTaint, schedulingEffects } from '../../../src/api/core/v1/taints.ts';
import type { Node, Pod } from '../../../src/api/core/v1/types.gen.ts';
import { labelSelectorMatcher } from '../../../src/apimachinery/selectors.ts';
import { decide } from '../../../src/scheduler/framework/decide.ts';
import { findPreemption } from '../../../src/scheduler/preemption/preemption.ts';
import type { NodeInfo } from '../../../src/scheduler/state/nodeinfo.ts';
import { createPodInfo, type PodInfo } from '../../../src/scheduler/state/podinfo.ts';
import { requestsOf } from '../../../src/scheduler/state/resources.ts';
import type { TestCluster } from '../../../src/scheduler/testing/cluster.ts';
import { generateCluster } from './decisions/generate.ts';
import { buildCluster } from './decisions/replay.ts';
import { namespaces } from './decisions/words.ts';

/** No more than there is, of anything: counted from the pods themselves. */
function assertRoom(name: string, { allocatable, maxPods, pods }: NodeInfo, devices: ReadonlySet<string>): void {
  assert.ok(pods.size <= maxPods, `${name}: ${pods.size} pods`);
  let milliCpu = 0;
  let memory = 0;
  const scalars = new Map<string, number>();
  for (const { pod } of pods.values()) {
    const { requests } = requestsOf(pod);
    milliCpu += requests.milliCpu;
    memory += requests.memory;
    for (const [resource, amount] of requests.scalars) scalars.set(resource, (scalars.get(resource) ?? 0) + amount);
  }
  assert.ok(milliCpu <= allocatable.milliCpu && memory <= allocatable.memory, `${name} is overcommitted`);
  for (const [resource, amount] of scalars) {
    if (!devices.has(resource)) assert.ok(amount <= (allocatable.scalars.get(resource) ?? 0), `${name}: too much ${resource}`);
  }
}

const labelsOf = (namespace: string): Record<string, string> => namespaces.find(({ metadata }) => metadata.name === namespace)?.metadata.labels ?? {};

type Terms = NonNullable<NonNullable<NonNullable<Pod['spec']['affinity']>['podAntiAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']>;

function repels(terms: Terms, own: Pod, other: Pod, here: Node, there: Node): boolean {
  return terms.some(({ topologyKey, labelSelector, namespaces: listed = [], namespaceSelector }) => {
    const namespace = other.metadata.namespace ?? '';
    const named = listed.length === 0 && !namespaceSelector ? namespace === own.metadata.namespace : listed.includes(namespace);
    if (!named && !labelSelectorMatcher(namespaceSelector).matches(labelsOf(namespace))) return false;
    const [a, b] = [here.metadata.labels?.[topologyKey], there.metadata.labels?.[topologyKey]];
    return a !== undefined && a === b && labelSelectorMatcher(labelSelector).matches(other.metadata.labels);
  });
}

const antiAffinity = ({ spec }: Pod): Terms => spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];

/** The pod's hard constraints, checked one by one without the plugins. */
function assertConstraints({ snapshot }: TestCluster, pod: Pod, { node, pods }: NodeInfo): void {
  const what = `${pod.metadata.name} on ${node.metadata.name}`;
  const { tolerations } = pod.spec;
  assert.equal(findUntoleratedTaint(node.spec.taints, tolerations, schedulingEffects), undefined, what);
  assert.ok(
    !node.spec.unschedulable ||
      findUntoleratedTaint([{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }], tolerations, schedulingEffects) === undefined,
    what,
  );
  assert.ok(requiredNodeTest(pod)?.({ name: node.metadata.name, labels: node.metadata.labels ?? {} }) ?? true, what);
  for (const other of snapshot.nodes) {
    for (const { pod: theirs } of other.pods.values()) {
      assert.ok(!repels(antiAffinity(pod), pod, theirs, node, other.node), `${what} beside ${theirs.metadata.name}`);
      assert.ok(!repels(antiAffinity(theirs), theirs, pod, other.node, node), `${what} repelled by ${theirs.metadata.name}`);
    }
  }
  const own = new Set((pod.spec.containers[0]?.ports ?? []).map(({ hostPort, protocol, hostIP }) => `${protocol}/${hostPort}/${hostIP ?? ''}`));
  for (const { pod: theirs } of pods.values()) {
    for (const { hostPort, protocol, hostIP } of theirs.spec.containers[0]?.ports ?? []) assert.ok(!own.has(`${protocol}/${hostPort}/${hostIP ?? ''}`), what);
  }
}

function assertVictims(
  cluster: TestCluster,
  pod: PodInfo,
  diagnosis: Parameters<typeof findPreemption>[0]['diagnosis'],
  checks: Parameters<typeof findPreemption>[0]['checks'],
): void {
  const { snapshot, nominator } = cluster;
  const preemption = findPreemption({ pod, snapshot, checks, diagnosis, nominator, now: 0, random: () => 0 });
  if (preemption.outcome !== 'victims') return;
  assert.notEqual(pod.pod.spec.preemptionPolicy, 'Never');
  for (const victim of preemption.victims.pods) {
    assert.ok(victim.priority < pod.priority, `${victim.key} goes for ${pod.key}`);
    assert.equal(victim.pod.spec.nodeName, preemption.victims.node.name);
  }
}

test('no decision overcommits a node or breaks a hard constraint, and only lesser pods are preempted', () => {
  let placed = 0;
  for (let seed = 10_000; seed < 10_150; seed++) {
    const generated = generateCluster(seed);
    // What was put there by hand may overcommit; here the scheduler places all.
    const all = [...generated.placed.map(({ metadata, spec: { nodeName: _node, ...spec } }) => ({ metadata, spec })), ...generated.waiting];
    const cluster = buildCluster({ ...generated, placed: [], nominated: [], resourceClaims: [] });
    const devices = new Set(generated.deviceClasses.flatMap(({ spec }) => spec.extendedResourceName ?? []));
    for (const pod of all) {
      const info = createPodInfo(pod);
      const { snapshot, nominator, profile } = cluster;
      const decision = decide({ pod: info, snapshot, nominator, profile, startAt: seed, random: () => 0.5 });
      if (decision.outcome === 'none') assertVictims(cluster, info, decision.diagnosis, decision.checks);
      if (decision.outcome !== 'node') continue;
      assertConstraints(cluster, pod, decision.node);
      const node = { ...pod, spec: { ...pod.spec, nodeName: decision.node.name } };
      cluster.cluster.setPod(node);
      assertRoom(decision.node.name, decision.node, devices);
      placed++;
    }
  }
  assert.ok(placed > 500, `${placed}`);
});
