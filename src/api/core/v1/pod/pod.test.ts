import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatQuantity } from '../../../../apimachinery/quantity.ts';
import { cells, context, created, createErrors, updateErrors } from '../../../testing/strategy.ts';
import { pods } from '../pod.ts';
import type { Container, ContainerStatus, Pod, PodSpec } from '../types.gen.ts';
import { bindingObstacle, bindPod } from './binding.ts';
import { computePodQOS, isPodAvailable, podLimits, podRequests, setPodCondition } from './helpers.ts';

const container = (over: Partial<Container> = {}): Container => ({ name: 'c', image: 'example.com/image:1', ...over });
const pod = (spec: Partial<PodSpec> = {}, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  metadata: { name: 'p', namespace: 'default', ...metadata },
  spec: { containers: [container()], ...spec },
});
const formatted = (amounts: ReturnType<typeof podRequests>): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, formatQuantity(amount)]));

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

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

const bad: Record<string, [Partial<PodSpec>, string[]]> = {
  'no containers': [{ containers: [] }, ['spec.containers: Required value']],
  'no name and no image': [{ containers: [{ name: '' }] }, ['spec.containers[0].name: Required value', 'spec.containers[0].image: Required value']],
  'a bad name': [{ containers: [container({ name: 'A' })] }, [`spec.containers[0].name: Invalid value: "A": ${label}`]],
  'the same name twice': [{ containers: [container(), container()] }, ['spec.containers[1].name: Duplicate value: "c"']],
  'a padded image': [
    { containers: [container({ image: ' a' })] },
    ['spec.containers[0].image: Invalid value: " a": must not have leading or trailing whitespace'],
  ],
  'bad policies': [
    { restartPolicy: 'x', dnsPolicy: 'y', containers: [container({ imagePullPolicy: 'z' })] },
    [
      'spec.containers[0].imagePullPolicy: Unsupported value: "z": supported values: "Always", "IfNotPresent", "Never"',
      'spec.restartPolicy: Unsupported value: "x": supported values: "Always", "OnFailure", "Never"',
      'spec.dnsPolicy: Unsupported value: "y": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
    ],
  ],
  'bad ports': [
    { containers: [container({ ports: [{ containerPort: 0 }, { containerPort: 70000, protocol: 'x', name: 'a' }, { containerPort: 1, name: 'a' }] })] },
    [
      'spec.containers[0].ports[0].containerPort: Required value',
      'spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
      'spec.containers[0].ports[1].protocol: Unsupported value: "x": supported values: "SCTP", "TCP", "UDP"',
      'spec.containers[0].ports[2].name: Duplicate value: "a"',
    ],
  ],
  'the same host port twice': [
    {
      containers: [
        container({
          ports: [
            { containerPort: 1, hostPort: 9 },
            { containerPort: 2, hostPort: 9 },
          ],
        }),
      ],
    },
    ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//9"'],
  ],
  'bad environment': [
    {
      containers: [
        container({
          env: [
            { name: '' },
            { name: 'A=', valueFrom: {} },
            { name: 'B', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            { name: 'C', valueFrom: { fieldRef: { fieldPath: 'spec.x' } } },
            { name: 'D', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '2' } } },
          ],
          envFrom: [{}],
        }),
      ],
    },
    [
      'spec.containers[0].env[0].name: Required value',
      'spec.containers[0].env[1].name: Invalid value: "A=": a valid environment variable name must consist only of printable ASCII characters other than \'=\'',
      'spec.containers[0].env[1].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      'spec.containers[0].env[2].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
      'spec.containers[0].env[3].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": error converting fieldPath: field label not supported: spec.x',
      'spec.containers[0].env[4].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1m and 1 are supported with the cpu resource',
      'spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
    ],
  ],
  'bad mounts': [
    {
      volumes: [{ name: 'v', emptyDir: {} }],
      containers: [
        container({
          volumeMounts: [
            { name: 'v', mountPath: '/a' },
            { name: 'v', mountPath: '/a', subPath: '../x' },
            { name: 'w', mountPath: '' },
          ],
          volumeDevices: [{ name: 'v', devicePath: '/dev/x' }],
        }),
      ],
    },
    [
      'spec.containers[0].volumeMounts[0].name: Invalid value: "v": must not already exist in volumeDevices',
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
      'spec.containers[0].volumeMounts[1].name: Invalid value: "v": must not already exist in volumeDevices',
      'spec.containers[0].volumeMounts.subPath: Invalid value: "../x": must not contain \'..\'',
      'spec.containers[0].volumeMounts[2].name: Not found: "w"',
      'spec.containers[0].volumeMounts[2].mountPath: Required value',
      'spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
      'spec.containers[0].volumeDevices[0].name: Invalid value: "v": must not already exist in volumeMounts',
    ],
  ],
  'bad volumes': [
    {
      volumes: [
        { name: 'a', emptyDir: {}, secret: { secretName: 's' } },
        { name: '', hostPath: { path: '' } },
        { name: 'c', configMap: { name: '', items: [{ key: '', path: '../x' }] } },
        { name: 'd', hostPath: { path: '/x', type: 'Pipe' } },
        { name: 'e', csi: { driver: '' } },
      ],
    },
    [
      'spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type',
      'spec.volumes[1].hostPath.path: Required value',
      'spec.volumes[1].name: Required value',
      'spec.volumes[2].configMap.name: Required value',
      'spec.volumes[2].configMap.items[0].key: Required value',
      'spec.volumes[2].configMap.items[0].path: Invalid value: "../x": must not contain \'..\'',
      'spec.volumes[3].hostPath.type: Unsupported value: "Pipe": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
      'spec.volumes[4].csi.driver: Required value',
    ],
  ],
  'bad resources': [
    {
      containers: [
        container({ resources: { limits: { cpu: '1', 'example.com/gpu': '1' }, requests: { cpu: '2', foo: '1', 'example.com/gpu': '2', memory: '-1' } } }),
      ],
    },
    [
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
      'spec.containers[0].resources.requests: Invalid value: "2": must be equal to example.com/gpu limit of 1',
      'spec.containers[0].resources.requests[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
      'spec.containers[0].resources.requests[foo]: Invalid value: "foo": must be a standard resource for containers',
      'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
    ],
  ],
  'bad probes and hooks': [
    {
      containers: [
        container({
          livenessProbe: { successThreshold: 2, exec: { command: [] } },
          readinessProbe: { tcpSocket: { port: 0 }, httpGet: { port: 'x-' } },
          lifecycle: { preStop: { sleep: { seconds: 60 } } },
        }),
      ],
    },
    [
      'spec.containers[0].lifecycle.preStop.sleep: Invalid value: 60: must be non-negative and less than terminationGracePeriodSeconds (30)',
      'spec.containers[0].livenessProbe.exec.command: Required value',
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
      'spec.containers[0].readinessProbe.httpGet.port: Invalid value: "x-": must not begin or end with a hyphen',
      'spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
    ],
  ],
  'an init container with a probe': [
    { initContainers: [container({ name: 'i', readinessProbe: { tcpSocket: { port: 1 } } })] },
    ['spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always'],
  ],
  'bad security contexts': [
    {
      hostNetwork: true,
      securityContext: { runAsUser: -1, sysctls: [{ name: 'net.ipv4.x', value: '1' }], seccompProfile: { type: 'x' } },
      containers: [container({ securityContext: { privileged: true, allowPrivilegeEscalation: false, appArmorProfile: { type: 'Localhost' } } })],
    },
    [
      'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false,"appArmorProfile":{"type":"Localhost"}}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
      'spec.containers[0].securityContext.appArmorProfile.localhostProfile: Required value: must be set when AppArmor type is Localhost',
      'spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      'spec.securityContext.sysctls[0].name: Invalid value: "net.ipv4.x": may not be specified when \'hostNetwork\' is true',
      'spec.securityContext.seccompProfile.type: Unsupported value: "x": supported values: "Localhost", "RuntimeDefault", "Unconfined"',
    ],
  ],
  'bad affinity': [
    {
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } },
        podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 0, podAffinityTerm: { topologyKey: 'zone', matchLabelKeys: ['a'] } }] },
      },
    },
    [
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
      'spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100',
      'spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.matchLabelKeys: Forbidden: must not be specified when labelSelector is not set',
    ],
  ],
  'bad scheduling': [
    {
      nodeName: 'n',
      schedulingGates: [{ name: 'a' }, { name: 'a' }],
      tolerations: [{ operator: 'Equal' }, { key: 'a', operator: 'Is', effect: 'Never', tolerationSeconds: 1 }],
      topologySpreadConstraints: [{ maxSkew: 0, topologyKey: '', whenUnsatisfiable: 'x' }],
    },
    [
      'spec.schedulingGates[1]: Duplicate value: "a"',
      'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
      'spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty',
      'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "x": supported values: "DoNotSchedule", "ScheduleAnyway"',
      'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      'spec.tolerations[1].effect: Invalid value: "Never": effect must be \'NoExecute\' when `tolerationSeconds` is set',
      'spec.tolerations[1].operator: Unsupported value: "Is": supported values: "Equal", "Exists"',
      'spec.tolerations[1].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
      'spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared',
    ],
  ],
  'bad names and DNS': [
    { hostname: 'A', dnsPolicy: 'None', serviceAccountName: 'a', activeDeadlineSeconds: 0, hostAliases: [{ ip: 'x' }] },
    [
      'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
      'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive',
      `spec.hostname: Invalid value: "A": ${label}`,
      'spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  ],
  'Linux fields in a Windows pod': [
    { os: { name: 'windows' }, hostPID: true, securityContext: { fsGroup: 1 } },
    ['spec.securityContext.fsGroup: Forbidden: cannot be set for a windows pod', 'spec.hostPID: Forbidden: cannot be set for a windows pod'],
  ],
  'ephemeral containers': [
    { ephemeralContainers: [{ name: 'e', image: 'i', targetContainerName: 'x' }] },
    ['spec.ephemeralContainers[0].targetContainerName: Not found: "x"', 'spec.ephemeralContainers: Forbidden: cannot be set on create'],
  ],
  'unknown claims': [
    { containers: [container({ resources: { claims: [{ name: 'x' }] } })], resourceClaims: [{ name: 'y' }] },
    [
      'spec.resourceClaims[0]: Invalid value: {"name":"y"}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
      'spec.containers[0].resources.claims[0]: Not found: "x": must be one of the names in pod.spec.resourceClaims: y',
    ],
  ],
  'pod-level resources below those of containers': [
    { resources: { requests: { cpu: '1' } }, containers: [container({ resources: { requests: { cpu: '2' } } })] },
    ['spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2'],
  ],
};

for (const [name, [spec, messages]] of Object.entries(bad))
  test(`a pod with ${name} is refused`, () => assert.deepEqual(createErrors(pods, pod(spec)), messages));

const updatable =
  'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

test('images, deadlines and new tolerations may change, nothing else', () => {
  const old = created(pods, pod({ tolerations: [{ key: 'a', operator: 'Exists' }], activeDeadlineSeconds: 10 }));
  const errors = (change: (pod: Pod) => void): string[] => updateErrors(pods, old, change);
  assert.deepEqual(
    errors(({ spec }) => {
      spec.containers[0]!.image = 'other';
      spec.activeDeadlineSeconds = 5;
      spec.tolerations!.push({ key: 'b', operator: 'Exists' });
    }),
    [],
  );
  assert.deepEqual(
    errors(({ spec }) => {
      spec.hostname = 'x';
    }),
    [`${updatable}\n+ hostname: "x"\n`],
  );
  assert.deepEqual(
    errors(({ spec }) => {
      spec.tolerations = [];
    }),
    ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
  );
  assert.deepEqual(
    errors(({ spec }) => {
      spec.activeDeadlineSeconds = 20;
    }),
    ['spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value'],
  );
  assert.deepEqual(
    errors(({ spec }) => {
      spec.containers.push(container({ name: 'd' }));
    }),
    ['spec.containers: Forbidden: pod updates may not add or remove containers'],
  );
});

test('a gated pod may be narrowed to fewer nodes', () => {
  const old = created(pods, pod({ schedulingGates: [{ name: 'g' }], nodeSelector: { a: '1' } }));
  assert.deepEqual(
    updateErrors(pods, old, ({ spec }) => {
      spec.nodeSelector = { a: '1', b: '2' };
      spec.schedulingGates = [];
      spec.affinity = {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'x', operator: 'Exists' }] }] } },
      };
    }),
    [],
  );
  const widened = updateErrors(pods, old, ({ spec }) => {
    spec.nodeSelector = {};
    spec.schedulingGates = [{ name: 'h' }];
  });
  assert.deepEqual(widened, [
    "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'h'",
    'spec.nodeSelector: Invalid value: {}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
  ]);
});

test('the status endpoint keeps spec and QoS class, and no container comes back to life', () => {
  const old = created(pods, pod({ restartPolicy: 'Never' }));
  const ended: ContainerStatus = { name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode: 1 } } };
  old.status = { ...old.status, containerStatuses: [ended] };
  const errors = updateErrors(
    pods,
    old,
    (changed) => {
      changed.status = { containerStatuses: [{ ...ended, state: { running: {} } }], podIPs: [{ ip: '1.2.3.4' }, { ip: '1.2.3.5' }] };
    },
    'status',
  );
  assert.deepEqual(errors, [
    'status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state',
    'status.podIPs: Invalid value: [{"ip":"1.2.3.4"},{"ip":"1.2.3.5"}]: may specify no more than one IP for each IP family',
  ]);
});

test('a resize changes CPU and memory within the QoS class', () => {
  const old = created(pods, pod({ containers: [container({ resources: { requests: { cpu: '1', 'ephemeral-storage': '1Gi' } } })] }));
  const errors = (requests: Record<string, string>): string[] =>
    updateErrors(
      pods,
      old,
      ({ spec }) => {
        spec.containers[0]!.resources = { requests };
        spec.hostname = 'ignored';
      },
      'resize',
    );
  assert.deepEqual(errors({ cpu: '2', 'ephemeral-storage': '1Gi' }), []);
  assert.deepEqual(errors({ cpu: '1', 'ephemeral-storage': '2Gi' }), ['spec: Forbidden: only cpu and memory resources are mutable']);
  assert.deepEqual(errors({ 'ephemeral-storage': '1Gi' }), [
    'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
    'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
  ]);
});

test('ephemeral containers are added, never changed or removed', () => {
  const old = created(pods, pod());
  old.spec.ephemeralContainers = [{ name: 'e', image: 'i' }];
  pods.setDefaults?.(old);
  const errors = (change: (spec: PodSpec) => void): string[] => updateErrors(pods, old, ({ spec }) => change(spec), 'ephemeralcontainers');
  assert.deepEqual(
    errors((spec) => {
      spec.ephemeralContainers!.push({ name: 'f', image: 'i' });
    }),
    [],
  );
  assert.deepEqual(
    errors((spec) => {
      spec.ephemeralContainers = [];
    }),
    ['spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be removed\n'],
  );
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

test('requests are the sum of containers and sidecars, or the peak of init containers', () => {
  const asks = (name: string, cpu: string, over: Partial<Container> = {}): Container =>
    container({ name, resources: { requests: { cpu }, limits: { cpu } }, ...over });
  const made = pod({
    containers: [asks('a', '1'), asks('b', '500m')],
    initContainers: [asks('side', '200m', { restartPolicy: 'Always' }), asks('init', '3')],
    overhead: { cpu: '100m' },
  });
  assert.deepEqual(formatted(podRequests(made)), { cpu: '3300m' });
  assert.deepEqual(formatted(podRequests(made, { excludeOverhead: true })), { cpu: '3200m' });
  assert.deepEqual(formatted(podLimits(made)), { cpu: '3300m' });
  assert.deepEqual(formatted(podRequests({ ...made, spec: { ...made.spec, resources: { requests: { cpu: '4' } } } })), { cpu: '4100m' });
  assert.deepEqual(formatted(podRequests(pod(), { nonMissingContainerRequests: { cpu: '100m' } })), { cpu: '100m' });
});

test('a resize under way counts for the larger of wish and reality', () => {
  const made = pod({ containers: [container({ resources: { requests: { cpu: '1' } } })] });
  made.status = {
    containerStatuses: [
      { name: 'c', image: '', imageID: '', ready: true, restartCount: 0, resources: { requests: { cpu: '3' } }, allocatedResources: { cpu: '2' } },
    ],
  };
  assert.deepEqual(formatted(podRequests(made, { useStatusResources: true })), { cpu: '3' });
  made.spec.containers[0]!.resources = { requests: { cpu: '9' } };
  made.status.conditions = [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }];
  assert.deepEqual(formatted(podRequests(made, { useStatusResources: true })), { cpu: '3' });
});

test('the QoS class follows requests and limits', () => {
  const of = (resources: Container['resources']): string => computePodQOS(pod({ containers: [container(resources ? { resources } : {})] }));
  assert.equal(of(undefined), 'BestEffort');
  assert.equal(of({ requests: { cpu: '1' } }), 'Burstable');
  assert.equal(of({ requests: { cpu: '1', memory: '1' }, limits: { cpu: '1', memory: '1' } }), 'Guaranteed');
  assert.equal(of({ requests: { cpu: '1', memory: '1' }, limits: { cpu: '2', memory: '1' } }), 'Burstable');
  assert.equal(computePodQOS(pod({ resources: { requests: { cpu: '1', memory: '1' }, limits: { cpu: '1', memory: '1' } } })), 'Guaranteed');
});

test('a pod is available once it was ready long enough', () => {
  const status: Pod['status'] = {};
  assert.equal(setPodCondition(status, { type: 'Ready', status: 'True' }, new Date('2026-01-01T00:00:00Z')), true);
  assert.equal(setPodCondition(status, { type: 'Ready', status: 'True' }, new Date('2026-01-01T00:00:05Z')), false);
  const made = { ...pod(), status };
  assert.equal(isPodAvailable(made, 10, new Date('2026-01-01T00:00:09Z')), false);
  assert.equal(isPodAvailable(made, 10, new Date('2026-01-01T00:00:10Z')), true);
});

const running = (over: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name: 'c',
  image: '',
  imageID: '',
  ready: true,
  restartCount: 0,
  state: { running: {} },
  ...over,
});
const shown: Record<string, [Partial<PodSpec>, Pod['status'], Partial<Pod['metadata']>, [string, string, string]]> = {
  running: [{}, { phase: 'Running', containerStatuses: [running()] }, {}, ['1/1', 'Running', '0']],
  'crash loop': [
    {},
    {
      phase: 'Running',
      containerStatuses: [
        running({
          ready: false,
          restartCount: 3,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-02T03:03:05Z' } },
        }),
      ],
    },
    {},
    ['0/1', 'CrashLoopBackOff', '3 (60s ago)'],
  ],
  initializing: [
    { initContainers: [container({ name: 'i' }), container({ name: 'j' })] },
    {
      phase: 'Pending',
      initContainerStatuses: [running({ name: 'i', state: { terminated: { exitCode: 0 } } }), running({ name: 'j', ready: false })],
      containerStatuses: [running({ ready: false, state: { waiting: { reason: 'PodInitializing' } } })],
    },
    {},
    ['0/1', 'Init:1/2', '0'],
  ],
  sidecar: [
    { initContainers: [container({ name: 's', restartPolicy: 'Always' })] },
    { phase: 'Running', initContainerStatuses: [running({ name: 's', started: true })], containerStatuses: [running()] },
    {},
    ['2/2', 'Running', '0'],
  ],
  completed: [
    {},
    { phase: 'Succeeded', containerStatuses: [running({ ready: false, state: { terminated: { exitCode: 0, reason: 'Completed' } } })] },
    {},
    ['0/1', 'Completed', '0'],
  ],
  terminating: [{}, { phase: 'Running', containerStatuses: [running()] }, { deletionTimestamp: '2026-01-02T03:04:05Z' }, ['1/1', 'Terminating', '0']],
  evicted: [{}, { phase: 'Failed', reason: 'Evicted' }, {}, ['0/1', 'Evicted', '0']],
  signalled: [
    {},
    { phase: 'Failed', containerStatuses: [running({ ready: false, state: { terminated: { exitCode: 137, signal: 9 } } })] },
    {},
    ['0/1', 'Signal:9', '0'],
  ],
};

for (const [name, [spec, status, metadata, [ready, state, restarts]]] of Object.entries(shown)) {
  test(`kubectl shows a pod as ${name}`, () => {
    const row = cells(pods, { ...pod(spec, { creationTimestamp: '2026-01-02T03:02:05Z', ...metadata }), status: status! });
    assert.deepEqual(row.slice(0, 5), ['p', ready, state, restarts, '2m']);
  });
}

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
