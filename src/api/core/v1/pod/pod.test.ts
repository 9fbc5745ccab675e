import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, pod } from '../../../testing/pods.ts';
import { context, created } from '../../../testing/strategy.ts';
import { pods } from '../pod.ts';
import type { Pod } from '../types.gen.ts';
import { bindingObstacle, bindPod } from './binding.ts';

test("a minimal pod gets upstream's defaults", () => {
  assert.deepEqual(created(pods, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'nginx' }] } }), {
    metadata: { name: 'p' },
    spec: {
      containers: [{ name: 'c', image: 'nginx', imagePullPolicy: 'Always', terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' }],
      dnsPolicy: 'ClusterFirst',
      enableServiceLinks: true,
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
    },
    status: { phase: 'Pending', qosClass: 'BestEffort' },
  });
});

test('ports, probes, volumes, resources and names get defaults of their own', () => {
  const { spec } = created(
    pods,
    pod({
      hostNetwork: true,
      serviceAccount: 'sa',
      terminationGracePeriodSeconds: -5,
      volumes: [
        { name: 'none' },
        { name: 'secret', secret: { secretName: 's' } },
        { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
      ],
      containers: [
        container({
          ports: [{ containerPort: 80 }],
          livenessProbe: { httpGet: { port: 80 } },
          resources: { limits: { cpu: '1', memory: '0.5' }, requests: { cpu: '0.0001' } },
          env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
        }),
      ],
    }),
  );
  const [first] = spec.containers;
  assert.deepEqual(first?.ports, [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }]);
  assert.deepEqual(first?.livenessProbe, {
    httpGet: { path: '/', port: 80, scheme: 'HTTP' },
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  assert.deepEqual(first?.resources?.requests, { cpu: '1m', memory: '0.5' });
  assert.deepEqual(first?.env?.[0]?.valueFrom?.fieldRef, { apiVersion: 'v1', fieldPath: 'metadata.name' });
  assert.deepEqual(spec.volumes?.[0], { name: 'none', emptyDir: {} });
  assert.equal(spec.volumes?.[1]?.secret?.defaultMode, 0o644);
  assert.deepEqual(spec.volumes?.[2]?.projected, { defaultMode: 0o644, sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 3600 } }] });
  assert.equal(spec.serviceAccountName, 'sa');
  assert.equal(spec.terminationGracePeriodSeconds, 1);
});

test('the pull policy follows the tag', () => {
  const policy = (image: string): string | undefined => created(pods, pod({ containers: [container({ image })] })).spec.containers[0]?.imagePullPolicy;
  assert.equal(policy('a'), 'Always');
  assert.equal(policy('a:latest'), 'Always');
  assert.equal(policy('a:1'), 'IfNotPresent');
  assert.equal(policy('localhost:5000/a'), 'Always');
  assert.equal(policy(`a@sha256:${'0'.repeat(64)}`), 'IfNotPresent');
  assert.equal(policy('NOT valid'), 'IfNotPresent');
});

test('a gated pod says so, and label keys become expressions', () => {
  const made = created(
    pods,
    pod(
      {
        schedulingGates: [{ name: 'g' }],
        topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', matchLabelKeys: ['app'], labelSelector: {} }],
      },
      { labels: { app: 'a' } },
    ),
  );
  assert.deepEqual(made.status?.conditions, [
    {
      type: 'PodScheduled',
      status: 'False',
      reason: 'SchedulingGated',
      message: 'Scheduling is blocked due to non-empty scheduling gates',
      lastTransitionTime: '2026-01-02T03:04:05Z',
    },
  ]);
  const [constraint] = made.spec.topologySpreadConstraints ?? [];
  assert.deepEqual(constraint?.labelSelector?.matchExpressions, [{ key: 'app', operator: 'In', values: ['a'] }]);
});

test('deletion is at once for a pod without a node, graceful else', () => {
  const grace = (made: Pod, requested?: number): number => pods.gracePeriodSeconds!(made, requested);
  assert.equal(grace(created(pods, pod())), 0);
  assert.equal(grace(created(pods, pod({ nodeName: 'n' }))), 30);
  assert.equal(grace(created(pods, pod({ nodeName: 'n' })), 5), 5);
  assert.equal(grace({ ...created(pods, pod({ nodeName: 'n' })), status: { phase: 'Failed' } }), 0);
});

test('binding sets the node once', () => {
  const made = created(pods, pod());
  bindPod(made, { metadata: { name: 'p', labels: { zone: 'z' } }, target: { kind: 'Node', name: 'n' } }, context().now);
  assert.equal(made.spec.nodeName, 'n');
  assert.deepEqual(made.metadata.labels, { zone: 'z' });
  assert.deepEqual(made.status?.conditions, [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-02T03:04:05Z' }]);
  assert.equal(bindingObstacle(made), 'pod p is already assigned to node "n"');
});

test('what hides or overlaps is warned about', () => {
  const made = created(
    pods,
    pod({
      nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
      volumes: [
        {
          name: 'v',
          configMap: {
            name: 'm',
            items: [
              { key: 'a', path: 'x' },
              { key: 'b', path: 'x/y' },
            ],
          },
        },
      ],
      containers: [
        container({
          env: [
            { name: 'A', value: '1' },
            { name: 'A', value: '2' },
          ],
          ports: [{ containerPort: 80 }],
          resources: { limits: { memory: '100m' } },
        }),
        container({ name: 'd', ports: [{ containerPort: 80 }] }),
      ],
    }),
  );
  assert.deepEqual(pods.warnings?.(made, undefined, context()), [
    'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
    'volume "v" (ConfigMap "m"): overlapping paths: "x/y" with "x"',
    'spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
    'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
    'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
    'spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]',
  ]);
});
