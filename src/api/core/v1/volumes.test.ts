import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cells, context } from '../../testing/strategy.ts';
import { type Any, changeProblems, created, problems } from '../../testing/validate.ts';
import { persistentvolumes } from './persistentvolume.ts';
import { persistentvolumeclaims } from './persistentvolumeclaim.ts';

const volumeSpec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' } };
const volume = (over: Any['spec'] = {}): Record<string, unknown> => ({ metadata: { name: 'v' }, spec: { ...volumeSpec, ...over } });
const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const claim = (over: Any['spec'] = {}): Record<string, unknown> => ({ metadata: { name: 'c', namespace: 'default' }, spec: { ...claimSpec, ...over } });

test('a volume is kept, a file system and pending unless it says otherwise', () => {
  const { spec, status } = created(persistentvolumes, volume());
  assert.deepEqual(spec, { ...volumeSpec, hostPath: { path: '/data', type: '' }, persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' });
  assert.deepEqual(status, { phase: 'Pending', lastPhaseTransitionTime: '2026-01-02T03:04:05Z' });
});

const badVolumes: [string, Any['spec'], string[]][] = [
  ['without a source', { hostPath: null }, ['spec: Required value: must specify a volume type']],
  ['with two sources', { nfs: { server: 'a', path: '/' } }, ['spec.nfs: Forbidden: may not specify more than 1 volume type']],
  [
    'that says nothing',
    { capacity: null, accessModes: null },
    ['spec.accessModes: Required value', 'spec.capacity: Required value', 'spec.capacity: Unsupported value: null: supported values: "storage"'],
  ],
  [
    'with unknown modes',
    { accessModes: ['a'], volumeMode: 'b', persistentVolumeReclaimPolicy: 'c' },
    [
      'spec.accessModes: Unsupported value: "a": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
      'spec.persistentVolumeReclaimPolicy: Unsupported value: "c": supported values: "Delete", "Recycle", "Retain"',
      'spec.volumeMode: Unsupported value: "b": supported values: "Block", "Filesystem"',
    ],
  ],
  ['of no size', { capacity: { storage: '0' } }, ['spec.capacity[storage]: Invalid value: "0": must be greater than zero']],
  [
    'that a node has, without the node',
    { hostPath: null, local: { path: '/mnt/../x' } },
    ['spec.local.path: Invalid value: "/mnt/../x": must not contain \'..\'', 'spec.nodeAffinity: Required value: Local volume requires node affinity'],
  ],
  [
    'that would wipe a node',
    { hostPath: { path: '/' }, persistentVolumeReclaimPolicy: 'Recycle' },
    ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
  ],
  [
    'of a driver, without a handle',
    { hostPath: null, csi: { driver: 'd', nodePublishSecretRef: { name: 's' } } },
    ['spec.csi.volumeHandle: Required value', 'spec.csi.nodePublishSecretRef.namespace: Required value'],
  ],
  [
    'for one pod and others',
    { accessModes: ['ReadWriteOncePod', 'ReadOnlyMany'] },
    ['spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes'],
  ],
];
for (const [what, over, messages] of badVolumes) {
  test(`a volume ${what} is refused`, () => assert.deepEqual(problems(persistentvolumes, volume(over)), messages));
}

test('what a volume is stays', () => {
  const errors = changeProblems(persistentvolumes, volume(), ({ spec }) => {
    spec.hostPath.path = '/other';
    spec.volumeMode = 'Block';
    spec.capacity.storage = '2Gi';
  });
  assert.equal(errors.length, 2);
  assert.match(errors[0]!, /^spec\.persistentvolumesource: Forbidden: spec\.persistentvolumesource is immutable after creation\n/);
  assert.equal(errors[1], 'volumeMode: Invalid value: "Block": field is immutable');
});

test('a volume remembers when its phase changed', () => {
  const old = created(persistentvolumes, volume());
  const object = structuredClone(old);
  object['status'].phase = 'Available';
  const part = persistentvolumes.subresources?.['status'];
  if (part?.type !== 'object') throw new Error('no status');
  part.prepareForUpdate?.(object as never, old as never, context({ now: new Date('2026-01-02T04:00:00Z') }));
  assert.deepEqual(object['status'], { phase: 'Available', lastPhaseTransitionTime: '2026-01-02T04:00:00Z' });
});

test('a claim is for a file system, and pending', () => {
  const { spec, status } = created(persistentvolumeclaims, claim());
  assert.deepEqual(spec, { ...claimSpec, volumeMode: 'Filesystem' });
  assert.deepEqual(status, { phase: 'Pending' });
});

test("a claim's source stands in both its fields", () => {
  const dataSource = { kind: 'PersistentVolumeClaim', name: 'a' };
  assert.deepEqual(created(persistentvolumeclaims, claim({ dataSource }))['spec'].dataSourceRef, dataSource);
  assert.deepEqual(created(persistentvolumeclaims, claim({ dataSourceRef: dataSource }))['spec'].dataSource, dataSource);
  // The older field takes nothing else.
  assert.equal(created(persistentvolumeclaims, claim({ dataSource: { apiGroup: 'a.b', kind: 'X', name: 'a' } }))['spec'].dataSource, undefined);
});

const badClaims: [string, Any['spec'], string[]][] = [
  [
    'that says nothing',
    { accessModes: null, resources: null },
    ['spec.accessModes: Required value: at least 1 access mode is required', 'spec.resources[storage]: Required value'],
  ],
  ['for nothing', { resources: { requests: { storage: '0' } } }, ['spec.resources[storage]: Invalid value: "0": must be greater than zero']],
  [
    'with another kind as its source',
    { dataSourceRef: { kind: 'X', name: '' } },
    [
      'spec.dataSource.name: Required value',
      'spec.dataSource: Invalid value: "X": must be \'PersistentVolumeClaim\' when referencing the default apiGroup',
      'spec.dataSourceRef.name: Required value',
      'spec.dataSourceRef: Invalid value: "X": must be \'PersistentVolumeClaim\' when referencing the default apiGroup',
    ],
  ],
];
for (const [what, over, messages] of badClaims) {
  test(`a claim ${what} is refused`, () => assert.deepEqual(problems(persistentvolumeclaims, claim(over)), messages));
}

const immutable = /^spec: Forbidden: spec is immutable after creation except resources\.requests and volumeAttributesClassName for bound claims\n/;
function claimChange(phase: string, change: (object: Any) => void): string[] {
  const old = created(persistentvolumeclaims, claim({ storageClassName: 'a' }));
  old['status'] = { phase, capacity: { storage: '1Gi' } };
  const object = structuredClone(old);
  change(object);
  return (persistentvolumeclaims.validateUpdate?.(object as never, old as never, context()) ?? []).map((error) => error.message());
}

test('a claim is bound once and grows when it is', () => {
  const grow = ({ spec }: Any): void => {
    spec.resources.requests.storage = '2Gi';
  };
  assert.deepEqual(claimChange('Bound', grow), []);
  assert.match(claimChange('Pending', grow).join(), immutable);
  const bind = ({ spec }: Any): void => {
    spec.volumeName = 'v';
  };
  assert.deepEqual(claimChange('Pending', bind), []);
  const shrink = ({ spec }: Any): void => {
    spec.resources.requests.storage = '1Mi';
  };
  assert.deepEqual(claimChange('Bound', shrink), ['spec.resources.requests.storage: Forbidden: field can not be less than status.capacity']);
});

test('class and modes of a claim stay', () => {
  for (const change of [
    ({ spec }: Any) => {
      spec.storageClassName = 'b';
    },
    ({ spec }: Any) => {
      spec.accessModes = ['ReadWriteMany'];
    },
  ]) {
    assert.match(claimChange('Bound', change).join(), immutable);
  }
});

test("a claim's status has states of a resize that there are", () => {
  const errors = changeProblems(
    persistentvolumeclaims,
    claim(),
    (object) => {
      object['status'] = { phase: 'Bound', allocatedResources: { cpu: '1', storage: '-1' }, allocatedResourceStatuses: { storage: 'x' } };
    },
    'status',
  );
  const states = '"ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"';
  assert.deepEqual(errors, [
    `status.allocatedResourceStatuses: Unsupported value: "storage": supported values: ${states}`,
    'status.allocatedResources: Unsupported value: "cpu": supported values: "storage"',
    'status.allocatedResources[storage]: Invalid value: -1: must be a valid resource quantity',
  ]);
});

test('kubectl shows volumes and claims', () => {
  const own = created(
    persistentvolumes,
    volume({ storageClassName: 'fast', claimRef: { namespace: 'n', name: 'c' }, accessModes: ['ReadWriteMany', 'ReadWriteOnce'] }),
  );
  assert.deepEqual(cells(persistentvolumes, own as never).slice(0, 9), ['v', '1Gi', 'RWO,RWX', 'Retain', 'Pending', 'n/c', 'fast', '<unset>', '']);
  const bound = created(persistentvolumeclaims, claim({ volumeName: 'v', storageClassName: 'fast' }));
  bound['status'] = { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] };
  assert.deepEqual(cells(persistentvolumeclaims, bound as never).slice(0, 7), ['c', 'Bound', 'v', '1Gi', 'RWO', 'fast', '<unset>']);
});
