/** What a pod is: containers that share network and volumes, restarted in place, replaced never repaired; probes, hooks, logs, exec. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { eventually, startTestCluster, type TestCluster } from './cluster.ts';
import { busybox, importBusybox } from './images.ts';

interface ContainerStatus {
  name: string;
  ready: boolean;
  restartCount: number;
  state: { running?: object; waiting?: { reason: string; message?: string }; terminated?: { exitCode: number; reason: string; message?: string } };
  lastState?: { terminated?: { exitCode: number; reason: string } };
}
interface Pod {
  metadata: { name: string; uid: string };
  spec: { nodeName: string };
  status: {
    phase: string;
    reason?: string;
    qosClass: string;
    resources?: { limits?: Record<string, string> };
    podIP?: string;
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
    conditions: { type: string; status: string; reason?: string }[];
  };
}

let cluster: TestCluster;
before(async () => {
  cluster = await startTestCluster();
  await importBusybox(cluster);
});
after(() => cluster.down());

const shell = (script: string): { image: string; command: string[] } => ({ image: busybox, command: ['sh', '-c', script] });
const pod = (name: string, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { terminationGracePeriodSeconds: 1, ...spec },
});
const getPod = (name: string): Promise<Pod> => cluster.get<Pod>('pod', name);
const status = (name: string, holds: (pod: Pod) => boolean, what: string, timeoutMs?: number): Promise<Pod> =>
  eventually(
    `${name}: ${what}`,
    async () => {
      const now = await getPod(name);
      return holds(now) && now;
    },
    timeoutMs,
  );
const running = (name: string): Promise<Pod> =>
  status(name, ({ status: { containerStatuses = [] } }) => containerStatuses.length > 0 && containerStatuses.every(({ ready }) => ready), 'ready');
const exec = (name: string, container: string, script: string): Promise<string> => cluster.kubectl(['exec', name, '-c', container, '--', 'sh', '-c', script]);

test('containers of a pod share localhost, a hostname and an emptyDir, and init containers run before them in order', async () => {
  await cluster.apply(
    pod('shared', {
      initContainers: [
        { name: 'first', ...shell('echo first >/data/order'), volumeMounts: [{ name: 'data', mountPath: '/data' }] },
        { name: 'second', ...shell('echo second >>/data/order'), volumeMounts: [{ name: 'data', mountPath: '/data' }] },
      ],
      containers: [
        { name: 'server', ...shell('httpd -f -p 8080 -h /data'), volumeMounts: [{ name: 'data', mountPath: '/data' }] },
        { name: 'client', ...shell('sleep 3600'), volumeMounts: [{ name: 'data', mountPath: '/shared' }] },
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    }),
  );
  await running('shared');
  assert.equal(await exec('shared', 'client', 'wget -qO- http://localhost:8080/order'), 'first\nsecond\n');
  await exec('shared', 'client', 'echo hello >/shared/from-client');
  assert.equal(await exec('shared', 'server', 'cat /data/from-client; hostname'), 'hello\nshared\n');
});

test('a container that ends is started again with back-off; its volume keeps its data; the pod stays the same', async () => {
  await cluster.apply(
    pod('restarting', {
      containers: [
        {
          name: 'main',
          ...shell('echo run >>/data/runs; [ $(wc -l </data/runs) -ge 2 ] && exec sleep 3600; exit 3'),
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    }),
  );
  const found = await status('restarting', ({ status: { containerStatuses: [main] = [] } }) => main?.restartCount === 1 && main.ready, 'restarted once');
  assert.equal(found.status.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 3);
  assert.equal(await exec('restarting', 'main', 'cat /data/runs'), 'run\nrun\n');
});

test('restartPolicy decides: Never ends in Failed or Succeeded, with the reason of each container', async () => {
  await cluster.apply([
    pod('fails', { restartPolicy: 'Never', containers: [{ name: 'main', ...shell('echo because >/dev/termination-log; exit 7') }] }),
    pod('succeeds', { restartPolicy: 'Never', containers: [{ name: 'main', ...shell('exit 0') }] }),
  ] as object[]);
  const failed = await status('fails', ({ status: { phase } }) => phase === 'Failed', 'Failed');
  const { exitCode, reason, message } = failed.status.containerStatuses?.[0]?.state.terminated ?? {};
  assert.deepEqual([exitCode, reason, message], [7, 'Error', 'because\n']);
  const succeeded = await status('succeeds', ({ status: { phase } }) => phase === 'Succeeded', 'Succeeded');
  assert.equal(succeeded.status.containerStatuses?.[0]?.state.terminated?.reason, 'Completed');
});

test('probes: readiness decides about Ready, liveness restarts, startup holds the others back', async () => {
  await cluster.apply([
    pod('unready', {
      containers: [{ name: 'main', ...shell('sleep 3600'), readinessProbe: { exec: { command: ['test', '-f', '/tmp/ready'] }, periodSeconds: 1 } }],
    }),
    pod('unhealthy', {
      containers: [
        {
          name: 'main',
          ...shell('touch /tmp/alive; sleep 3; rm /tmp/alive; sleep 3600'),
          livenessProbe: { exec: { command: ['test', '-f', '/tmp/alive'] }, periodSeconds: 1, failureThreshold: 1 },
        },
      ],
    }),
    pod('slow', {
      containers: [
        {
          name: 'main',
          ...shell('sleep 3; httpd -f -p 8080 -h /tmp'),
          startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 30 },
          // It would fail while nothing listens yet.
          livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 10 },
        },
      ],
    }),
  ] as object[]);
  await status('unready', ({ status: { phase } }) => phase === 'Running', 'Running');
  assert.equal((await getPod('unready')).status.conditions.find(({ type }) => type === 'Ready')?.status, 'False');
  await exec('unready', 'main', 'touch /tmp/ready');
  await running('unready');
  await status('unhealthy', ({ status: { containerStatuses: [main] = [] } }) => (main?.restartCount ?? 0) >= 1, 'restarted by its liveness probe');
  await running('slow');
  assert.equal((await getPod('slow')).status.containerStatuses?.[0]?.restartCount, 0);
});

test('configuration comes as environment and files, and files follow a change', async () => {
  await cluster.apply([
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { colour: 'blue', 'app.conf': 'mode=one' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'credentials' }, stringData: { password: 's3cret' } },
    pod('configured', {
      containers: [
        {
          name: 'main',
          ...shell('sleep 3600'),
          env: [
            { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } },
            { name: 'GREETING', value: 'it is $(COLOUR)' },
            { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
            { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
          ],
          envFrom: [{ secretRef: { name: 'credentials' }, prefix: 'SECRET_' }],
          resources: { limits: { memory: '64Mi', cpu: '500m' } },
          volumeMounts: [
            { name: 'settings', mountPath: '/etc/settings' },
            { name: 'info', mountPath: '/etc/info' },
          ],
        },
      ],
      volumes: [
        { name: 'settings', configMap: { name: 'settings' } },
        { name: 'info', downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
      ],
    }),
  ]);
  await running('configured');
  assert.equal(await exec('configured', 'main', 'echo "$GREETING on $NODE with $LIMIT MiB, $SECRET_password"'), 'it is blue on node-1 with 64 MiB, s3cret\n');
  assert.equal(await exec('configured', 'main', 'cat /etc/settings/app.conf; echo; cat /etc/info/name'), 'mode=one\nconfigured');
  assert.equal((await getPod('configured')).status.qosClass, 'Guaranteed');
  await cluster.kubectl(['patch', 'configmap', 'settings', '-p', '{"data":{"app.conf":"mode=two"}}']);
  await eventually('the file follows', async () => (await exec('configured', 'main', 'cat /etc/settings/app.conf')) === 'mode=two', 120_000);
});

test('limits are the kernel’s: memory beyond the limit ends the container as OOMKilled', async () => {
  await cluster.apply(
    pod('greedy', {
      restartPolicy: 'Never',
      containers: [{ name: 'main', ...shell('x=$(head -c 100000000 /dev/zero | tr "\\0" x); sleep 60'), resources: { limits: { memory: '20Mi' } } }],
    }),
  );
  const ended = await status('greedy', ({ status: { phase } }) => phase === 'Failed', 'Failed');
  assert.equal(ended.status.containerStatuses?.[0]?.state.terminated?.reason, 'OOMKilled');
});

test('the security context holds: user, group, read-only root, no privileges', async () => {
  await cluster.apply(
    pod('confined', {
      securityContext: { runAsUser: 1234, runAsGroup: 2345, fsGroup: 3456, runAsNonRoot: true },
      containers: [
        {
          name: 'main',
          ...shell('sleep 3600'),
          securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
      volumes: [{ name: 'data', emptyDir: { medium: 'Memory' } }],
    }),
  );
  await running('confined');
  assert.equal(await exec('confined', 'main', 'echo $(id -u):$(id -g):$(id -G)'), '1234:2345:2345 3456\n');
  assert.match(await exec('confined', 'main', 'touch /x 2>&1 || true'), /Read-only file system/);
  assert.match(await exec('confined', 'main', 'grep CapEff /proc/self/status'), /0000000000000000/);
  assert.equal(await exec('confined', 'main', 'touch /data/x && stat -c %g /data/x && stat -f -c %T /data'), '3456\ntmpfs\n');
});

test('logs: what was said, the last lines, the run before; following ends with the container', async () => {
  await cluster.apply(
    pod('talking', {
      containers: [
        {
          name: 'main',
          ...shell('echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three; [ -f /data/again ] && exec sleep 3600; touch /data/again; exit 1'),
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    }),
  );
  await status('talking', ({ status: { containerStatuses: [main] = [] } }) => main?.restartCount === 1 && main.ready, 'restarted');
  await eventually('all lines are there', async () => (await cluster.kubectl(['logs', 'talking'])) === 'one\ntwo\nthree\n');
  assert.equal(await cluster.kubectl(['logs', 'talking', '--tail=1']), 'three\n');
  assert.equal(await cluster.kubectl(['logs', 'talking', '--previous']), 'one\ntwo\nthree\n');
  assert.match(await cluster.kubectl(['logs', 'talking', '--timestamps', '--tail=1']), /^\d{4}-\d\d-\d\dT\S+Z three\n$/);
  await cluster.apply(
    pod('ending', {
      restartPolicy: 'Never',
      containers: [{ name: 'main', ...shell('echo first; while [ ! -f /tmp/end ]; do sleep 0.1; done; sleep 1; echo last') }],
    }),
  );
  await running('ending');
  const followed = cluster.kubectl(['logs', '--follow', 'ending']);
  await exec('ending', 'main', 'touch /tmp/end');
  assert.equal(await followed, 'first\nlast\n');
});

test('exec gives output, errors, input and the exit code', async () => {
  const result = await cluster.tryKubectl(['exec', '-i', 'shared', '-c', 'client', '--', 'sh', '-c', 'cat; echo oops >&2; exit 5'], 'typed');
  assert.deepEqual([result.code, result.stdout], [5, 'typed']);
  assert.match(result.stderr, /oops/);
});

test('termination is graceful: preStop runs, SIGTERM comes, and the pod goes when it is done', async () => {
  await cluster.apply([
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'graceful' },
      spec: {
        // To wait for all of it would take longer than this test may.
        terminationGracePeriodSeconds: 3600,
        containers: [
          {
            name: 'main',
            ...shell('trap "echo TERM >>/proof/steps; exit 0" TERM; while :; do sleep 0.1; done'),
            lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo preStop >>/proof/steps'] } } },
            volumeMounts: [{ name: 'proof', mountPath: '/proof' }],
          },
        ],
        volumes: [{ name: 'proof', hostPath: { path: `${cluster.dataDir}/proof`, type: 'DirectoryOrCreate' } }],
      },
    },
  ]);
  await running('graceful');
  await cluster.kubectl(['delete', 'pod', 'graceful', '--timeout=60s']);
  assert.equal(readFileSync(`${cluster.dataDir}/proof/steps`, 'utf8'), 'preStop\nTERM\n');
});

test('sidecars outlive the others when the pod ends, and go in the reverse of the order in which they came', async () => {
  const train = `${cluster.dataDir}/proof/train`;
  const says = (name: string): object => ({
    name,
    ...shell(`trap "echo -${name} >>/proof/train; exit 0" TERM; echo +${name} >>/proof/train; while :; do sleep 0.1; done`),
    volumeMounts: [{ name: 'proof', mountPath: '/proof' }],
  });
  await cluster.apply(
    pod('train', {
      terminationGracePeriodSeconds: 30,
      initContainers: [
        { ...says('first'), restartPolicy: 'Always' },
        { ...says('second'), restartPolicy: 'Always' },
      ],
      containers: [says('main')],
      volumes: [{ name: 'proof', hostPath: { path: `${cluster.dataDir}/proof`, type: 'DirectoryOrCreate' } }],
    }),
  );
  const lines = (): string[] => (existsSync(train) ? readFileSync(train, 'utf8').trim().split('\n') : []);
  await eventually('all three to be there', async () => lines().length === 3);
  await cluster.kubectl(['delete', 'pod', 'train', '--wait=true']);
  assert.deepEqual(lines().slice(3), ['-main', '-second', '-first']);
});

test('a rule restarts a container of a pod that never restarts', async () => {
  await cluster.apply(
    pod('ruled', {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'main',
          ...shell('echo run >>/data/runs; [ $(wc -l </data/runs) -ge 2 ] || exit 42'),
          restartPolicy: 'Never',
          restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }],
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    }),
  );
  const ended = await status('ruled', ({ status: { phase } }) => phase === 'Succeeded' || phase === 'Failed', 'ended');
  assert.deepEqual([ended.status.phase, ended.status.containerStatuses?.[0]?.restartCount], ['Succeeded', 1]);
});

test('resources change in place, those of containers and those of the pod', async () => {
  const limits = (cpu: string): object => ({ resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { cpu, memory: '64Mi' } } });
  const spec = { hostname: 'one', subdomain: 'group', setHostnameAsFQDN: true };
  await cluster.apply(pod('resized', { ...spec, ...limits('200m'), containers: [{ name: 'main', ...shell('exec sleep 1000'), ...limits('100m') }] }));
  await running('resized');
  assert.equal(await exec('resized', 'main', 'hostname'), 'one.group.default.svc.cluster.local\n');
  const resized = { spec: { ...limits('400m'), containers: [{ name: 'main', ...limits('300m') }] } };
  await cluster.kubectl(['patch', 'pod', 'resized', '--subresource', 'resize', '-p', JSON.stringify(resized)]);
  const quota = 'cat /sys/fs/cgroup/cpu.max 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us';
  await eventually('the container’s share', async () => /^30000\b/.test(await exec('resized', 'main', quota)));
  const now = await status('resized', (one) => one.status.resources?.limits?.['cpu'] === '400m', 'the pod’s share');
  assert.equal(now.status.containerStatuses?.[0]?.restartCount, 0);
});

test('what can’t run says why: a missing image, a missing command, an unsatisfiable request', async () => {
  await cluster.apply([
    pod('no-image', { containers: [{ name: 'main', image: 'registry.invalid/nothing:v1' }] }),
    pod('no-command', { restartPolicy: 'Never', containers: [{ name: 'main', image: busybox, command: ['/no/such/program'] }] }),
    pod('too-large', { containers: [{ name: 'main', ...shell('sleep 1'), resources: { requests: { cpu: '1000' } } }] }),
  ] as object[]);
  await status(
    'no-image',
    ({ status: { containerStatuses: [main] = [] } }) => /^(ErrImagePull|ImagePullBackOff)$/.test(main?.state.waiting?.reason ?? ''),
    'ErrImagePull',
  );
  const command = await status('no-command', ({ status: { phase } }) => phase === 'Failed', 'Failed');
  assert.deepEqual(
    [command.status.containerStatuses?.[0]?.state.terminated?.reason, command.status.containerStatuses?.[0]?.state.terminated?.exitCode],
    ['StartError', 128],
  );
  await eventually('the scheduler says why', async () => {
    const events = await cluster.kubectl([
      'get',
      'events',
      '--field-selector=involvedObject.name=too-large,reason=FailedScheduling',
      '-o',
      'jsonpath={.items[*].message}',
    ]);
    return events.includes('0/1 nodes are available: 1 Insufficient cpu.');
  });
  assert.equal((await getPod('too-large')).status.phase, 'Pending');
});

test('a pod reaches another through its address, without NAT', async () => {
  const {
    status: { podIP },
  } = await running('shared');
  await cluster.apply(pod('caller', { containers: [{ name: 'main', ...shell('sleep 3600') }] }));
  const caller = await running('caller');
  assert.equal(await exec('caller', 'main', `wget -qO- http://${podIP}:8080/order`), 'first\nsecond\n');
  assert.notEqual(caller.status.podIP, podIP);
});
