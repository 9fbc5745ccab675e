import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, pod } from '../../../testing/pods.ts';
import { createErrors } from '../../../testing/strategy.ts';
import { pods } from '../pod.ts';
import type { PodSpec } from '../types.gen.ts';

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
      'spec.containers[0].securityContext: Invalid value: {"Capabilities":null,"Privileged":true,"SELinuxOptions":null,"WindowsOptions":null,"RunAsUser":null,"RunAsGroup":null,"RunAsNonRoot":null,"ReadOnlyRootFilesystem":null,"AllowPrivilegeEscalation":false,"ProcMount":null,"SeccompProfile":null,"AppArmorProfile":{"Type":"Localhost","LocalhostProfile":null}}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
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
    ['spec.hostPID: Forbidden: cannot be set for a windows pod', 'spec.securityContext.fsGroup: Forbidden: cannot be set for a windows pod'],
  ],
  'ephemeral containers': [
    { ephemeralContainers: [{ name: 'e', image: 'i', targetContainerName: 'x' }] },
    ['spec.ephemeralContainers[0].targetContainerName: Not found: "x"', 'spec.ephemeralContainers: Forbidden: cannot be set on create'],
  ],
  'unknown claims': [
    { containers: [container({ resources: { claims: [{ name: 'x' }] } })], resourceClaims: [{ name: 'y' }] },
    [
      'spec.resourceClaims[0]: Invalid value: {"Name":"y","ResourceClaimName":null,"ResourceClaimTemplateName":null}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
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
