import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KindDefinition } from '../../kind.ts';
import { cells } from '../../testing/strategy.ts';
import { type Any, changeProblems, created, problems } from '../../testing/validate.ts';
import { csidrivers } from './csidriver.ts';
import { csinodes } from './csinode.ts';
import { csistoragecapacities } from './csistoragecapacity.ts';
import { isDefaultClass, storageclasses } from './storageclass.ts';
import { volumeattachments } from './volumeattachment.ts';
import { volumeattributesclasses } from './volumeattributesclass.ts';

const metadata = { name: 'x' };
const storageClass = (over: Record<string, unknown> = {}): Record<string, unknown> => ({ metadata, provisioner: 'a.b/c', ...over });
const driver = (spec: Record<string, unknown> = {}): Record<string, unknown> => ({ metadata, spec });
const attachment = (source: Record<string, unknown>): Record<string, unknown> => ({ metadata, spec: { attacher: 'd', nodeName: 'n', source } });

const expression = { key: 'zone', values: ['a'] };
const bad: [string, KindDefinition, Record<string, unknown>, string[]][] = [
  [
    'storage class',
    storageclasses,
    storageClass({ provisioner: '', reclaimPolicy: 'x', volumeBindingMode: 'y' }),
    [
      'provisioner: Required value',
      'reclaimPolicy: Unsupported value: "x": supported values: "Delete", "Retain"',
      'volumeBindingMode: Unsupported value: "y": supported values: "Immediate", "WaitForFirstConsumer"',
    ],
  ],
  [
    'topology',
    storageclasses,
    storageClass({
      allowedTopologies: [
        { matchLabelExpressions: [expression, { key: 'zone' }] },
        { matchLabelExpressions: [expression] },
        { matchLabelExpressions: [expression] },
      ],
    }),
    [
      'allowedTopologies[0].matchLabelExpressions[1].values: Required value',
      'allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "zone"',
      'allowedTopologies[2].matchLabelExpressions: Duplicate value: ""',
    ],
  ],
  [
    'driver',
    csidrivers,
    driver({
      fsGroupPolicy: 'x',
      tokenRequests: [{ audience: 'a', expirationSeconds: 1 }, { audience: 'a' }],
      volumeLifecycleModes: ['y'],
      nodeAllocatableUpdatePeriodSeconds: 1,
    }),
    [
      'spec.fsGroupPolicy: Unsupported value: "x": supported values: "File", "None", "ReadWriteOnceWithFSType"',
      'spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes',
      'spec.tokenRequests[1].audience: Duplicate value: "a"',
      'spec.volumeLifecycleModes: Unsupported value: "y": supported values: "Persistent", "Ephemeral"',
      'spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 1: must be greater than or equal to 10 seconds',
    ],
  ],
  [
    "node's driver",
    csinodes,
    {
      metadata,
      spec: {
        drivers: [
          { name: 'd', nodeID: '', topologyKeys: ['a', 'a'] },
          { name: 'd', nodeID: 'n', allocatable: { count: -1 } },
        ],
      },
    },
    [
      'spec.drivers[0].nodeID: Required value',
      'spec.drivers[0]: Duplicate value: "a"',
      'spec.drivers[1].allocatable.count: Invalid value: -1: must be greater than or equal to 0',
      'spec.drivers[1].name: Duplicate value: "d"',
    ],
  ],
  [
    'attachment of nothing',
    volumeattachments,
    attachment({}),
    ['spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName'],
  ],
  [
    'attachment of an inline volume',
    volumeattachments,
    attachment({ inlineVolumeSpec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1' }, nfs: { server: 's', path: '/' } } }),
    [
      'spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of inline volumes',
      'spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes',
    ],
  ],
  [
    'class of attributes',
    volumeattributesclasses,
    { metadata, driverName: '' },
    ['driverName: Required value', 'parameters: Required value: must contain at least one key/value pair'],
  ],
  [
    'capacity',
    csistoragecapacities,
    { metadata: { ...metadata, namespace: 'default' }, storageClassName: 'c', capacity: '-1' },
    ['capacity: Invalid value: "-1": must be greater than or equal to 0'],
  ],
];
for (const [what, definition, object, messages] of bad) {
  test(`a bad ${what} is refused`, () => assert.deepEqual(problems(definition, object), messages));
}

test('what a class promised its volumes stays', () => {
  const errors = changeProblems(storageclasses, storageClass(), (object) => {
    object['provisioner'] = 'd.e/f';
    object['reclaimPolicy'] = 'Retain';
    object['allowVolumeExpansion'] = true;
  });
  assert.deepEqual(errors, ['provisioner: Invalid value: "d.e/f": field is immutable', 'reclaimPolicy: Invalid value: "Retain": field is immutable']);
  const attributes = { metadata, driverName: 'd', parameters: { a: '1' } };
  const change = (object: Any): void => {
    object['parameters'].a = '2';
  };
  assert.deepEqual(changeProblems(volumeattributesclasses, attributes, change), ['parameters: Forbidden: updates to parameters are forbidden.']);
});

test('an attachment stays what it is', () => {
  const errors = changeProblems(volumeattachments, attachment({ persistentVolumeName: 'v' }), ({ spec }) => {
    spec.nodeName = 'm';
  });
  assert.deepEqual(errors, [
    'spec: Invalid value: {"Attacher":"d","Source":{"PersistentVolumeName":"v","InlineVolumeSpec":null},"NodeName":"m"}: field is immutable',
  ]);
});

test('a driver has what it does not say', () => {
  assert.deepEqual(created(csidrivers, driver())['spec'], {
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: 'ReadWriteOnceWithFSType',
    volumeLifecycleModes: ['Persistent'],
    requiresRepublish: false,
    seLinuxMount: false,
  });
});

test('kubectl marks the default class', () => {
  const object = created(storageclasses, storageClass());
  object.metadata.annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
  assert.ok(isDefaultClass(object as never));
  assert.deepEqual(cells(storageclasses, object as never).slice(0, 5), ['x (default)', 'a.b/c', 'Delete', 'Immediate', false]);
});
