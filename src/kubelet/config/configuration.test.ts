import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigurationError, configurationOf, defaultConfiguration, parseConfiguration, showConfiguration } from './configuration.ts';

const head = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n';
const read = (body: string) => configurationOf(parseConfiguration(head + body));
const problems = (text: string): readonly string[] => {
  try {
    parseConfiguration(text);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.problems;
  }
  return [];
};

test('an empty file leaves the defaults', () => {
  assert.deepEqual(read(''), defaultConfiguration);
  assert.equal(defaultConfiguration.maxPods, 110);
  assert.equal(defaultConfiguration.imageMinimumGCAge, 120_000);
  assert.deepEqual(defaultConfiguration.evictionHard, {
    'memory.available': '100Mi',
    'nodefs.available': '10%',
    'nodefs.inodesFree': '5%',
    'imagefs.available': '15%',
    'imagefs.inodesFree': '5%',
  });
});

test('durations and quantities are read, and shown again', () => {
  const config = read('imageMaximumGCAge: 1h30m\ncontainerLogMaxSize: 5Mi\nsystemReserved: {cpu: 1, memory: 1Gi}\nshutdownGracePeriod: 30s');
  assert.equal(config.imageMaximumGCAge, 5_400_000);
  assert.equal(config.containerLogMaxSize, 5 * 1024 * 1024);
  assert.deepEqual(config.systemReserved, { cpu: '1', memory: '1Gi' });
  const shown = showConfiguration(config);
  assert.deepEqual([shown['imageMaximumGCAge'], shown['containerLogMaxSize'], shown['shutdownGracePeriod']], ['1h30m0s', '5Mi', '30s']);
  assert.deepEqual(configurationOf(shown), config, 'what is shown can be read');
});

test('defaults that depend on others', () => {
  assert.deepEqual(read('evictionHard: {memory.available: 1Gi}').evictionHard, { 'memory.available': '1Gi' });
  assert.equal(read('evictionHard: {memory.available: 1Gi}\nmergeDefaultEvictionSettings: true').evictionHard['nodefs.available'], '10%');
  assert.equal(read('serializeImagePulls: true').maxParallelImagePulls, 1);
  assert.equal(read('nodeStatusUpdateFrequency: 1m').nodeStatusReportFrequency, 60_000);
  assert.equal(read('podPidsLimit: -7').podPidsLimit, -1);
});

test('everything that is wrong is told at once', () => {
  assert.deepEqual(problems(`${head}maxPod: 3\nmaxPods: many\ncgroupDriver: docker\nfeatureGates: {X: true}\nclusterDNS: [10.0.0.10]`), [
    'cgroupDriver: "docker" is not supported here; it can be "cgroupfs" or "systemd"',
    "clusterDNS can't be set: the cluster settles it by itself",
    "featureGates can't be set: features are as in Kubernetes 1.36 by default",
    'strict decoding error: unknown field "maxPod"',
    'maxPods: whole number expected, not string',
  ]);
  assert.deepEqual(problems(`${head}imageGCHighThresholdPercent: 101\nimageGCLowThresholdPercent: 101`), [
    'invalid configuration: imageGCHighThresholdPercent (--image-gc-high-threshold) 101 must be between 0 and 100, inclusive',
    'invalid configuration: imageGCLowThresholdPercent (--image-gc-low-threshold) 101 must be between 0 and 100, inclusive',
    'invalid configuration: imageGCLowThresholdPercent (--image-gc-low-threshold) 101 must be less than imageGCHighThresholdPercent (--image-gc-high-threshold) 101',
  ]);
  assert.deepEqual(problems(`${head}evictionHard: {disk.free: 1Gi}`), ['invalid configuration: unsupported eviction signal disk.free']);
  assert.deepEqual(problems(`${head}shutdownGracePeriod: 10s\nshutdownGracePeriodCriticalPods: 20s`), [
    'invalid configuration: shutdownGracePeriodCriticalPods {20s} must be <= shutdownGracePeriod {10s}',
  ]);
});

test('reservations and policies for CPUs, memory and topology have to make sense', () => {
  const config = read('cpuManagerPolicy: static\ncpuManagerPolicyOptions: {full-pcpus-only: "true"}\nreservedSystemCPUs: 0-1\ntopologyManagerScope: pod');
  assert.deepEqual([config.cpuManagerPolicy, config.reservedSystemCPUs, config.topologyManagerScope], ['static', '0-1', 'pod']);
  const wrong = [
    'reservedSystemCPUs: 3-1',
    'cpuManagerPolicyOptions: {full-pcpus-only: "perhaps"}',
    'topologyManagerPolicyOptions: {max-allowable-numa-nodes: "4"}',
    'enforceNodeAllocatable: [pods, kube-reserved, none, all]',
    'reservedMemory: [{numaNode: 0, limits: {cpu: 1}}, {numaNode: 1, limits: {memory: 0}}]',
  ];
  assert.deepEqual(
    problems(head + wrong.join('\n')).map((problem) => problem.replace('invalid configuration: ', '')),
    [
      'kubeReservedCgroup (--kube-reserved-cgroup) must be specified when "kube-reserved" or "kube-reserved-compressible" included in enforceNodeAllocatable (--enforce-node-allocatable)',
      'enforceNodeAllocatable (--enforce-node-allocatable) may not contain additional enforcements when "none" is specified',
      'option "all" specified for enforceNodeAllocatable (--enforce-node-allocatable). Valid options are "pods", "system-reserved", "system-reserved-compressible", "kube-reserved", "kube-reserved-compressible" or "none"',
      'unable to parse reservedSystemCPUs (--reserved-cpus) 3-1, error: invalid range "3-1" (1 < 3)',
      'the limit type "cpu" for NUMA node 0 is not supported, only [memory hugepages-<HugePageSize>] is accepted',
      'reserved memory may not be zero for NUMA node 1 and resource "memory"',
      'bad value for option "full-pcpus-only": strconv.ParseBool: parsing "perhaps": invalid syntax',
      'the minimum value of "max-allowable-numa-nodes" should not be less than 8',
    ],
  );
});

test('a value that holds anyway is let through', () => {
  assert.deepEqual(read('cgroupDriver: cgroupfs\ncpuManagerPolicy: none\nenableServer: true\nfailSwapOn: false'), defaultConfiguration);
});

test('what is no configuration at all', () => {
  assert.match(problems('a: [')[0] ?? '', /^not YAML: /);
  assert.deepEqual(problems('3'), ['a KubeletConfiguration is expected']);
  assert.match(problems('kind: Pod\napiVersion: v1')[0] ?? '', /^no kind "Pod" is registered for version "v1"/);
});
