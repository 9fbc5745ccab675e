import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCluster, makeNode, makePod } from '../testing/cluster.ts';
import { parseSchedulerConfiguration } from './load.ts';
import type { SchedulerConfiguration } from './types.ts';

const parse = (yaml: string): SchedulerConfiguration =>
  parseSchedulerConfiguration(`apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n${yaml}`, (reference) => `/config/${reference}`);

const problem = (yaml: string): string => {
  try {
    parse(yaml);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

const profile = (plugin: string, args: string): string => `profiles: [{ pluginConfig: [{ name: ${plugin}, args: { ${args} } }] }]`;

test('an empty configuration is the default one', () => {
  const { profiles, podInitialBackoffSeconds, podMaxBackoffSeconds, parallelism, percentageOfNodesToScore } = parse('');
  assert.deepEqual([podInitialBackoffSeconds, podMaxBackoffSeconds, parallelism, percentageOfNodesToScore], [1, 10, 16, 0]);
  assert.equal(profiles[0]!.schedulerName, 'default-scheduler');
  assert.equal(profiles[0]!.plugins.multiPoint.enabled.length, 20);
});

test('unknown fields and wrong types are refused', () => {
  assert.equal(problem('profile: []'), 'strict decoding error: unknown field "profile"');
  assert.equal(problem('profiles: [{ pluginConfigs: [] }]'), 'strict decoding error: unknown field "profiles[0].pluginConfigs"');
  assert.match(
    problem(profile('NodeResourcesFit', 'scoring: {}')),
    /decoding args for plugin NodeResourcesFit: strict decoding error: unknown field "scoring"/,
  );
  assert.match(problem('parallelism: many'), /cannot unmarshal string into Go struct field KubeSchedulerConfiguration.parallelism of type int32$/);
  assert.match(problem('profiles: [{ pluginConfig: [{ name: NodeAffinity, args: { kind: InterPodAffinityArgs } }] }]'), /were not of type NodeAffinityArgs/);
});

test('what makes no sense is refused in words of upstream', () => {
  assert.equal(problem('parallelism: 0'), 'parallelism: Invalid value: 0: should be an integer value greater than zero');
  assert.equal(problem('percentageOfNodesToScore: 101'), 'percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]');
  assert.equal(problem('podMaxBackoffSeconds: 0'), 'podMaxBackoffSeconds: Invalid value: 0: must be greater than or equal to PodInitialBackoffSeconds');
  assert.equal(problem('profiles: [{ schedulerName: a }, { schedulerName: a }]'), 'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"');
  assert.equal(problem('profiles: [{ schedulerName: a }, {}]'), 'profiles[1].schedulerName: Required value');
  assert.equal(
    problem(profile('InterPodAffinity', 'hardPodAffinityWeight: 101')),
    'profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]',
  );
  assert.equal(
    problem(profile('NodeResourcesFit', 'scoringStrategy: { type: Fullest }')),
    'profiles[0].pluginConfig[0].args.scoringStrategy.type: Unsupported value: "Fullest": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"',
  );
  assert.equal(
    problem(profile('PodTopologySpread', 'defaultConstraints: [{ maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway }]')),
    'profiles[0].pluginConfig[0].args.defaultingType: Invalid value: "System": when .defaultConstraints are not empty',
  );
  assert.equal(
    problem("extenders: [{ urlPrefix: 'http://x', prioritizeVerb: p }]"),
    'extenders[0].weight: Invalid value: 0: must have a positive weight applied to it',
  );
  assert.match(problem("extenders: [{ urlPrefix: 'http://x', bindVerb: b }, { urlPrefix: 'http://y', bindVerb: b }]"), /only one extender can implement bind$/);
});

const place = (yaml: string, pod = makePod('p', { cpu: '1', memory: '1Gi' }), more: Partial<Parameters<typeof makeCluster>[0]> = {}): string =>
  makeCluster({
    nodes: [makeNode('empty'), makeNode('used')],
    pods: [makePod('there', { node: 'used', cpu: '1', memory: '1Gi' })],
    configuration: parse(yaml),
    ...more,
  }).place(pod);

test('strategies say whether the empty or the used node is the better one', () => {
  const shape = (from: number, to: number): string =>
    `type: RequestedToCapacityRatio, requestedToCapacityRatio: { shape: [{ utilization: 0, score: ${from} }, { utilization: 100, score: ${to} }] }`;
  assert.equal(place(''), 'empty');
  assert.equal(place(profile('NodeResourcesFit', 'scoringStrategy: { type: MostAllocated }')), 'used');
  assert.equal(place(profile('NodeResourcesFit', `scoringStrategy: { ${shape(0, 10)} }`)), 'used');
  assert.equal(place(profile('NodeResourcesFit', `scoringStrategy: { ${shape(10, 0)} }`)), 'empty');
});

test('plugins can be switched off, at one point or at all', () => {
  const big = makePod('big', { cpu: '100' });
  assert.match(place('', big), /Insufficient cpu/);
  assert.notEqual(place('profiles: [{ plugins: { multiPoint: { disabled: [{ name: NodeResourcesFit }] } } }]', big).startsWith('0/2'), true);
  assert.notEqual(place('profiles: [{ plugins: { filter: { disabled: [{ name: NodeResourcesFit }] } } }]', big).startsWith('0/2'), true);
  assert.match(place('profiles: [{ plugins: { score: { disabled: [{ name: "*" }] } } }]', big), /Insufficient cpu/);
});

test('affinity and spreading can be added to every pod of a profile', () => {
  const term = "nodeSelectorTerms: [{ matchExpressions: [{ key: kubernetes.io/hostname, operator: In, values: ['used'] }] }]";
  assert.equal(place(profile('NodeAffinity', `addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { ${term} } }`)), 'used');
  const web = { app: 'web' };
  const constraint = 'maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule';
  const text = place(profile('PodTopologySpread', `defaultingType: List, defaultConstraints: [{ ${constraint} }]`), makePod('p', { labels: web }), {
    nodes: [makeNode('a'), makeNode('b', { spec: { unschedulable: true } })],
    pods: [makePod('there', { node: 'a', labels: web })],
    services: [{ metadata: { name: 's', namespace: 'default' }, spec: { selector: web } }],
  });
  assert.match(text, /1 node\(s\) didn't match pod topology spread constraints/);
});

test('a plugin that does not exist, or is named twice, is told', () => {
  const create = (yaml: string) => () => makeCluster({ nodes: [], configuration: parse(yaml) });
  assert.throws(
    create('profiles: [{ plugins: { filter: { enabled: [{ name: Nope }] } } }]'),
    /creating profile for scheduler name default-scheduler: FilterPlugin "Nope" does not exist/,
  );
  assert.throws(create('profiles: [{ plugins: { bind: { disabled: [{ name: "*" }] } } }]'), /at least one bind plugin is needed/);
  assert.throws(create('profiles: [{ plugins: { score: { enabled: [{ name: NodeName }] } } }]'), /plugin "NodeName" does not extend ScorePlugin plugin/);
});
