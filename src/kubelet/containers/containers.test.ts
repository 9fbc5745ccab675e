import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { notFound } from '../../apimachinery/errors.ts';
import { podLimits } from '../cgroups/pods.ts';
import type { KubeletContext } from '../context.ts';
import { container, pod } from '../testing/pods.ts';
import { parseResolvConf } from './dns.ts';
import { environmentOf } from './env.ts';
import { variableIn } from './envfile.ts';
import { expand } from './expansion.ts';
import { hostnameOf } from './hosts.ts';
import { milliCpu, oomScoreAdjust, podTotals, qosClassOf, quotaOf, sharesOf, weightOf } from './resources.ts';
import { containerSecurity, verifyRunAsNonRoot } from './security.ts';
import { variablesOf } from './serviceenv.ts';

const values: Record<string, string> = { A: 'a', B: '$(A)' };

test('variables are expanded, escaped ones and unknown ones stay', () => {
  const cases: [string, string][] = [
    ['$(A)-x', 'a-x'],
    ['$$(A)', '$(A)'],
    ['$(C)', '$(C)'],
    ['$A', '$A'],
    ['$(A', '$(A'],
    ['$$$(A)', '$a'],
    ['x$', 'x$'],
    ['$(B)', '$(A)'],
  ];
  for (const [input, output] of cases)
    assert.equal(
      expand(input, (name) => values[name]),
      output,
      input,
    );
});

test('the environment: services, then sources, then own variables, which may refer to what stands before them', async () => {
  const objects = { 'ConfigMap/cm': { data: { one: '1', two: '2' } }, 'Secret/sec': { data: { key: Buffer.from('s').toString('base64') } } } as Record<
    string,
    object
  >;
  const context = {
    services: { hasSynced: () => true, variables: () => ({ WEB_SERVICE_HOST: '10.96.0.7', one: 'service' }) },
    resources: { allocatable: () => ({ cpu: '4', memory: '1Gi' }) },
    objects: {
      get: async (ref: { kind: string; plural: string }, _namespace: string, name: string) => {
        const found = objects[`${ref.kind}/${name}`];
        if (!found) throw notFound({ group: '', resource: ref.plural }, name);
        return found;
      },
    },
  } as unknown as KubeletContext;
  const facts = { podIps: ['10.0.0.2'], hostIps: ['192.0.2.1'], nodeName: 'n1' };
  const env = (main: Parameters<typeof container>[1]) => environmentOf(context, pod({}, { labels: { app: 'web' } }), container('main', main), facts);
  const got = await env({
    envFrom: [{ configMapRef: { name: 'cm' } }, { prefix: 'S_', secretRef: { name: 'sec' } }, { configMapRef: { name: 'absent', optional: true } }],
    env: [
      { name: 'two', value: 'own $(one)' },
      { name: 'URL', value: 'http://$(WEB_SERVICE_HOST)' },
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'LABEL', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
    ],
  });
  assert.deepEqual(Object.fromEntries(got), {
    one: '1',
    two: 'own 1',
    S_key: 's',
    URL: 'http://10.96.0.7',
    IP: '10.0.0.2',
    LABEL: 'web',
    CPU: '4',
    WEB_SERVICE_HOST: '10.96.0.7',
  });
  await assert.rejects(env({ env: [{ name: 'K', valueFrom: { configMapKeyRef: { name: 'cm', key: 'none' } } }] }), {
    message: "couldn't find key none in ConfigMap default/cm",
  });
  await assert.rejects(env({ env: [{ name: 'K', valueFrom: { configMapKeyRef: { name: 'absent', key: 'none' } } }] }), /"absent" not found/);
});

test('a service as variables', () => {
  const got = variablesOf({
    metadata: { name: 'my-db' },
    spec: {
      clusterIP: '10.96.0.9',
      ports: [
        { name: 'sql', port: 5432 },
        { port: 80, protocol: 'UDP' },
      ],
    },
  });
  assert.equal(got['MY_DB_SERVICE_HOST'], '10.96.0.9');
  assert.equal(got['MY_DB_SERVICE_PORT_SQL'], '5432');
  assert.equal(got['MY_DB_PORT'], 'tcp://10.96.0.9:5432');
  assert.equal(got['MY_DB_PORT_80_UDP'], 'udp://10.96.0.9:80');
});

const sized = (requests: Record<string, string>, limits?: Record<string, string>): Pod =>
  pod({ containers: [container('main', { resources: { requests, ...(limits ? { limits } : {}) } })] });

test('quality of service', () => {
  assert.equal(qosClassOf(pod()), 'BestEffort');
  assert.equal(qosClassOf(sized({ cpu: '1' })), 'Burstable');
  assert.equal(qosClassOf(sized({ cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' })), 'Guaranteed');
  assert.equal(qosClassOf(sized({ cpu: '500m', memory: '1Gi' }, { cpu: '1', memory: '1Gi' })), 'Burstable');
});

test('amounts as the kernel takes them', () => {
  assert.deepEqual(
    [sharesOf(0), sharesOf(1000), sharesOf(250), quotaOf(0), quotaOf(100), quotaOf(5), weightOf(2), weightOf(1024), weightOf(262_144)],
    [2, 1024, 256, 0, 10_000, 1000, 1, 39, 10_000],
  );
});

test('a pod asks for the most that runs at once', () => {
  const cpu = (name: string, amount: string, more: object = {}) => container(name, { resources: { requests: { cpu: amount } }, ...more });
  const spec = {
    initContainers: [cpu('side', '100m', { restartPolicy: 'Always' }), cpu('init', '900m')],
    containers: [cpu('a', '200m'), cpu('b', '300m')],
    overhead: { cpu: '50m' },
  };
  assert.equal(podTotals(pod(spec), 'requests', milliCpu), 1050);
});

test('a pod is limited only when all its containers are', () => {
  assert.deepEqual(podLimits(sized({ cpu: '100m' }, { cpu: '200m', memory: '64Mi' }), -1), { cpuShares: 102, cpuQuota: 20_000, memory: 64 * 1024 * 1024 });
  const half = pod({ containers: [container('a', { resources: { limits: { memory: '64Mi' } } }), container('b')] });
  assert.deepEqual(podLimits(half, 100), { cpuShares: 2, pids: 100 });
});

test('who is killed first when memory runs out', () => {
  const score = (of: Pod) => oomScoreAdjust(of, of.spec.containers[0] ?? container('main'), 1024 * 1024 * 1024);
  assert.deepEqual(
    [
      score(pod()),
      score(sized({ memory: '512Mi' })),
      score(sized({ memory: '1Gi', cpu: '1' }, { memory: '1Gi', cpu: '1' })),
      score(pod({ priority: 2_000_001_000 })),
    ],
    [1000, 500, -997, -997],
  );
});

test('a container that must not be root', () => {
  const strict = pod({ securityContext: { runAsNonRoot: true } });
  const verify =
    (uid: number | undefined, user: string, of = strict) =>
    () =>
      verifyRunAsNonRoot(of, container('main'), uid, user);
  assert.throws(verify(0, ''), { message: 'container has runAsNonRoot and image will run as root (pod: "web_default(uid-1)", container: main)' });
  assert.throws(verify(undefined, 'app'), /non-numeric user \(app\), cannot verify user is non-root/);
  assert.doesNotThrow(verify(1000, ''));
  assert.throws(verify(1000, '', pod({ securityContext: { runAsNonRoot: true, runAsUser: 0 } })), /breaks non-root policy/);
});

test('what the container says of security wins over what the pod says', () => {
  const of = pod({ securityContext: { runAsUser: 1, runAsGroup: 2, fsGroup: 3, supplementalGroups: [4] } });
  const got = containerSecurity(
    of,
    container('main', { securityContext: { runAsUser: 9, capabilities: { drop: ['ALL'] } } }),
    { username: '' },
    { seccompRoot: '/s', seccompDefault: false },
    [5],
    '',
  );
  assert.deepEqual(
    [got.runAsUser, got.runAsGroup, got.supplementalGroups, got.capabilities?.dropCapabilities, got.seccomp?.profileType],
    [{ value: 9 }, { value: 2 }, [3, 4, 5], ['ALL'], 'Unconfined'],
  );
});

test('names of a pod', () => {
  assert.deepEqual(hostnameOf(pod({ hostname: 'a', subdomain: 'b' }), 'cluster.local'), { hostname: 'a', domain: 'b.default.svc.cluster.local' });
  assert.equal(hostnameOf(pod({}, { name: 'x'.repeat(70) }), 'cluster.local').hostname.length, 63);
});

test('a resolv.conf is read as the resolver reads it', () => {
  assert.deepEqual(parseResolvConf('# x\nnameserver 1.1.1.1\nnameserver 2.2.2.2\nsearch a.b c.\noptions ndots:2 edns0\n'), {
    servers: ['1.1.1.1', '2.2.2.2'],
    searches: ['a.b', 'c'],
    options: ['ndots:2', 'edns0'],
  });
});

test('variables from a file', () => {
  const file = "# comment\n\nA='1'\n  B='two\nlines' # end\nC= 'x'\nbroken\n";
  assert.deepEqual([variableIn(file, 'A'), variableIn(file, 'B'), variableIn(file, 'C')], ['1', 'two\nlines', undefined]);
  assert.throws(() => variableIn(file, 'D'), { message: "invalid environment variable format at line 7: missing '='" });
  assert.throws(() => variableIn('A=1', 'A'), /value must be enclosed in single quotes/);
  assert.throws(() => variableIn("A='1", 'A'), /starting at line 1: unclosed single quote/);
});
