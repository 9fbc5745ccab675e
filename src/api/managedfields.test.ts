/** Behaviours that the documentation of server-side apply promises, on real types. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeObject } from '../apimachinery/decode/object.ts';
import type { StatusError } from '../apimachinery/errors.ts';
import { applyServerSide, keepUnchangedTimes, scaleManagedFields, trackUpdate, withScaleManagedFields } from '../apimachinery/managedfields/index.ts';
import type { KubeObject } from '../apimachinery/meta.ts';
import type { Struct } from '../apimachinery/schema.ts';
import { structOf } from './schema.ts';

const deployment = structOf('io.k8s.api.apps.v1.Deployment');
const pod = structOf('io.k8s.api.core.v1.Pod');
const service = structOf('io.k8s.api.core.v1.Service');
const now = new Date('2026-01-02T03:04:05Z');
const later = new Date('2026-01-02T04:00:00Z');

type Any = KubeObject & Record<string, any>;
/** Read without asking whether it is there: a test fails where it is not. */
type Tree = Record<string, any>;

const decode = (struct: Struct, value: unknown): Any => decodeObject<Any>(struct, structuredClone(value), { validation: 'Ignore' }).object;
const common = { struct: deployment, apiVersion: 'apps/v1', subresource: '', resetFields: ['status'], now };

function config(spec: Record<string, unknown> = {}, metadata: Record<string, unknown> = {}): Any {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', ...metadata },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'nginx' }] } },
      ...spec,
    },
  };
}

function applied(live: Any | undefined, manager: string, value: Any, force = false, at = now): Any {
  const object = applyServerSide({ ...common, now: at, kind: 'Deployment', live: live && structuredClone(live), applied: value, manager, force }) as Any;
  object.metadata.uid ??= 'u';
  return object;
}

function updated(live: Any, manager: string, change: (object: Any) => void, subresource = ''): Any {
  const object = structuredClone(live);
  change(object);
  trackUpdate({ ...common, resetFields: subresource === 'status' ? ['spec'] : ['status'], subresource, now: later, manager, old: live, new: object });
  return object;
}

const owners = (object: Any): Record<string, unknown> =>
  Object.fromEntries((object.metadata.managedFields ?? []).map(({ manager, operation, fieldsV1 }) => [`${manager} ${operation}`, fieldsV1]));

test('a create is owned by its manager, without what the server sets', () => {
  const object = decode(deployment, config({ replicas: 1 }, { labels: { a: 'b' }, finalizers: ['example.com/f'] }));
  trackUpdate({ ...common, manager: 'kubectl-create', old: undefined, new: object });
  assert.deepEqual(object.metadata.managedFields, [
    {
      manager: 'kubectl-create',
      operation: 'Update',
      apiVersion: 'apps/v1',
      time: '2026-01-02T03:04:05Z',
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:finalizers': { '.': {}, 'v:"example.com/f"': {} }, 'f:labels': { '.': {}, 'f:a': {} } },
        'f:spec': {
          'f:replicas': {},
          'f:selector': {},
          'f:template': {
            'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
            'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {}, 'f:name': {}, 'f:resources': {} } } },
          },
        },
      },
    },
  ]);
});

test('an update takes the fields that it changes, and leaves the rest with their owners', () => {
  const created = applied(undefined, 'one', config({ replicas: 1 }));
  const scaled = updated(created, 'two', (object) => {
    object.spec.replicas = 5;
    object.status = { replicas: 3 };
  });
  const { 'one Apply': one, 'two Update': two } = owners(scaled) as Record<string, Tree>;
  assert.equal(one?.['f:spec']['f:replicas'], undefined);
  assert.ok(one?.['f:spec']['f:selector']);
  assert.deepEqual(two, { 'f:spec': { 'f:replicas': {} } }, 'the status is not written through this endpoint');
  assert.deepEqual(updated(scaled, 'three', () => {}).metadata.managedFields, scaled.metadata.managedFields);
});

test('status and spec of one manager are separate entries', () => {
  const created = applied(undefined, 'one', config());
  const reported = updated(
    created,
    'controller',
    (object) => {
      object.status = { replicas: 1, conditions: [{ type: 'Available', status: 'True' }] };
      object.spec.replicas = 9;
    },
    'status',
  );
  const entry = reported.metadata.managedFields?.find(({ manager }) => manager === 'controller');
  assert.equal(entry?.subresource, 'status');
  // A condition's times are there, as null, even when nobody gave them.
  const condition = { '.': {}, 'f:lastTransitionTime': {}, 'f:lastUpdateTime': {}, 'f:status': {}, 'f:type': {} };
  assert.deepEqual(entry?.fieldsV1, { 'f:status': { 'f:conditions': { '.': {}, 'k:{"type":"Available"}': condition }, 'f:replicas': {} } });
});

test('applying what somebody else owns with another value is a conflict, unless forced', () => {
  const created = applied(undefined, 'one', config({ replicas: 1 }));
  const error = (() => {
    try {
      applied(created, 'two', config({ replicas: 2 }));
    } catch (caught) {
      return caught as StatusError;
    }
    return undefined;
  })();
  assert.equal(error?.message, 'Apply failed with 1 conflict: conflict with "one": .spec.replicas');
  assert.equal(error?.code, 409);
  assert.deepEqual(error?.status.details?.causes, [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.replicas' }]);
  const forced = applied(created, 'two', config({ replicas: 2 }), true);
  assert.equal(forced.spec.replicas, 2);
  assert.equal((owners(forced)['one Apply'] as Tree)['f:spec']['f:replicas'], undefined);
});

test('several conflicts are listed by manager, with how the manager wrote', () => {
  const created = updated(applied(undefined, 'one', config()), 'edit', (object) => {
    object.spec.replicas = 3;
    object.spec.template.spec.containers[0].image = 'httpd';
  });
  const wanted = config({ replicas: 2 });
  assert.throws(() => applied(created, 'two', wanted), {
    message: 'Apply failed with 2 conflicts: conflicts with "edit" using apps/v1:\n- .spec.replicas\n- .spec.template.spec.containers[name="web"].image',
  });
});

test('the same value may have two owners, and stays until the last one lets go', () => {
  const one = applied(undefined, 'one', config({ replicas: 2 }));
  const both = applied(one, 'two', config({ replicas: 2 }));
  const left = applied(both, 'one', config());
  assert.equal(left.spec.replicas, 2);
  assert.equal(applied(left, 'two', config()).spec.replicas, undefined);
});

test('what an applier no longer mentions goes, down to items of lists and keys of maps', () => {
  const first = config({}, { labels: { a: '1', b: '2' } });
  first.spec.template.spec.containers.push({ name: 'side', image: 'busybox', env: [{ name: 'X', value: 'y' }] });
  const live = updated(applied(undefined, 'one', first), 'other', (object) => {
    object.metadata.labels!.c = '3';
    object.spec.template.spec.containers[0].ports = [{ containerPort: 80, protocol: 'TCP' }];
  });
  const second = applied(live, 'one', config({}, { labels: { a: '1' } }));
  assert.deepEqual(second.metadata.labels, { a: '1', c: '3' });
  assert.deepEqual(
    second.spec.template.spec.containers.map(({ name }: { name: string }) => name),
    ['web'],
  );
  assert.deepEqual(second.spec.template.spec.containers[0].ports, [{ containerPort: 80, protocol: 'TCP' }]);
});

test('an item whose parts others own stays, with their parts', () => {
  const first = config();
  first.spec.template.spec.containers[0].env = [{ name: 'A', value: '1' }];
  const live = updated(applied(undefined, 'one', first), 'other', (object) => {
    object.spec.template.spec.containers[0].env.push({ name: 'B', value: '2' });
  });
  const second = applied(live, 'one', config());
  assert.deepEqual(second.spec.template.spec.containers[0].env, [{ name: 'B', value: '2' }]);
});

test('applied items keep the order of the applier, between those that stay', () => {
  const containers = (names: string[]): unknown[] => names.map((name) => ({ name, image: 'i' }));
  const base = (names: string[]): Any => config({ template: { metadata: { labels: { app: 'web' } }, spec: { containers: containers(names) } } });
  const live = applied(undefined, 'one', base(['a', 'b', 'c']));
  const names = (object: Any): string[] => object.spec.template.spec.containers.map(({ name }: { name: string }) => name);
  assert.deepEqual(names(applied(live, 'two', base(['c', 'a']))), ['b', 'c', 'a']);
  assert.deepEqual(names(applied(live, 'two', base(['x', 'b', 'y']))), ['a', 'x', 'b', 'c', 'y']);
});

test('keys of list items count their defaults', () => {
  const value = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } } as unknown as Any;
  const object = applyServerSide({
    ...common,
    struct: service,
    apiVersion: 'v1',
    kind: 'Service',
    live: undefined,
    applied: value,
    manager: 'm',
    force: false,
  });
  assert.deepEqual(object.metadata.managedFields?.[0]?.fieldsV1, {
    'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {} } } },
  });
});

test('an object without owners gets one before the first apply', () => {
  const live = decode(deployment, config({ replicas: 1 }, { uid: 'u' }));
  assert.throws(() => applied(live, 'one', config({ replicas: 2 })), {
    message: 'Apply failed with 1 conflict: conflict with "before-first-apply" using apps/v1: .spec.replicas',
  });
  assert.deepEqual(Object.keys(owners(applied(live, 'one', config({ replicas: 1 })))).sort(), ['before-first-apply Update', 'one Apply']);
});

test('kubectl takes what it applied from the client before, without force', () => {
  const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
  const object = decode(deployment, config({ replicas: 1 }, { annotations: { [annotation]: JSON.stringify(config({ replicas: 1 })) } }));
  trackUpdate({ ...common, manager: 'kubectl-client-side-apply', old: undefined, new: object });
  object.metadata.uid = 'u';
  assert.throws(() => applied(object, 'other', config({ replicas: 2 })), /1 conflict/);
  const migrated = applied(object, 'kubectl', config({ replicas: 2 }));
  assert.equal(migrated.spec.replicas, 2);
  assert.equal(JSON.parse(migrated.metadata.annotations?.[annotation] ?? '').spec.replicas, 2);
  const changed = updated(object, 'edit', (live) => {
    live.spec.replicas = 7;
  });
  assert.throws(() => applied(changed, 'kubectl', config({ replicas: 2 })), /conflict with "edit"/);
});

test('applying the same again changes nothing, not even the time', () => {
  const first = applied(undefined, 'one', config({ replicas: 1 }));
  const again = applied(first, 'one', config({ replicas: 1 }), false, later);
  assert.deepEqual(again, first);
});

test('a write that changes only times keeps the old ones', () => {
  const first = applied(undefined, 'one', config({ replicas: 1 }));
  const second = structuredClone(first);
  for (const entry of second.metadata.managedFields ?? []) entry.time = '2027-01-01T00:00:00Z';
  keepUnchangedTimes(second, first);
  assert.deepEqual(second, first);
  second.spec.replicas = 8;
  for (const entry of second.metadata.managedFields ?? []) assert.equal(entry.time, '2026-01-02T03:04:05Z');
});

test('what does not fit the type is refused with its path', () => {
  assert.throws(() => applied(undefined, 'one', config({ replica: 1 })), {
    message: 'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema',
  });
  const twice = config();
  twice.spec.template.spec.containers.push({ name: 'web' });
  assert.throws(() => applied(undefined, 'one', twice), /\.spec\.template\.spec\.containers: duplicate entries for key \[name="web"\]/);
  assert.throws(() => applied(undefined, 'one', { ...config(), kind: 'Pod' }), { message: 'invalid object type: apps/v1, Kind=Pod' });
});

test('entries are cleared by one empty entry, kept when left out, and not begun again by an update', () => {
  const live = applied(undefined, 'one', config());
  assert.ok(updated(live, 'two', (object) => delete object.metadata.managedFields).metadata.managedFields);
  const cleared = updated(live, 'two', (object) => {
    object.metadata.managedFields = [{}];
    object.spec.replicas = 4;
  });
  assert.equal(cleared.metadata.managedFields, undefined);
  assert.equal(updated(cleared, 'two', (object) => (object.spec.replicas = 5)).metadata.managedFields, undefined);
});

test('no more than ten updaters are kept apart', () => {
  let live = applied(undefined, 'one', config({}, { labels: {} }));
  for (let index = 0; index < 14; index++) {
    live = updated(live, `m${index}`, (object) => {
      object.metadata.labels = { ...object.metadata.labels, [`l${index}`]: '' };
    });
  }
  const updaters = (live.metadata.managedFields ?? []).filter(({ operation }) => operation === 'Update');
  assert.equal(updaters.length, 10);
  assert.ok(updaters.some(({ manager }) => manager === 'ancient-changes'));
});

test('entries in another version follow that version of the object, and go with it', () => {
  const live = applied(undefined, 'one', config({ replicas: 1 }));
  for (const entry of live.metadata.managedFields ?? []) entry.apiVersion = 'apps/v1beta9';
  const object = structuredClone(live);
  object.spec.replicas = 2;
  const convert = (from: { object: KubeObject }, apiVersion: string) => ({ apiVersion, struct: deployment, object: from.object });
  trackUpdate({ ...common, manager: 'two', old: live, new: object, convert });
  assert.equal((owners(object)['one Apply'] as Tree)['f:spec']['f:replicas'], undefined);
  const gone = structuredClone(live);
  gone.spec.replicas = 2;
  trackUpdate({ ...common, manager: 'two', old: live, new: gone });
  assert.deepEqual(Object.keys(owners(gone)), ['two Update']);
});

test('values of free form are merged key by key, their lists are one value', () => {
  const custom: Struct = {
    name: '',
    fields: new Map([['metadata', { name: 'metadata', type: { type: 'object', struct: structOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta') } }]]),
    preserveUnknown: true,
  };
  const input = { ...common, struct: custom, apiVersion: 'example.com/v1', kind: 'Thing', force: false };
  const thing = (spec: unknown): KubeObject => ({ apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 't' }, spec }) as KubeObject;
  const one = applyServerSide({ ...input, live: undefined, applied: thing({ a: { x: 1 }, list: [1, { y: 2 }] }), manager: 'one' });
  const entry = one.metadata.managedFields?.[0]?.fieldsV1;
  assert.deepEqual(entry, { 'f:spec': { '.': {}, 'f:a': { '.': {}, 'f:x': {} }, 'f:list': {} } });
  const two = applyServerSide({ ...input, live: one, applied: thing({ a: { z: 3 } }), manager: 'two' }) as Any;
  assert.deepEqual(two.spec, { a: { x: 1, z: 3 }, list: [1, { y: 2 }] });
  const back = applyServerSide({ ...input, live: two, applied: thing({}), manager: 'one' }) as Any;
  assert.deepEqual(back.spec, { a: { z: 3 } });
});

test('the owner of replicas is seen through scale, and loses them through it', () => {
  const live = applied(undefined, 'one', config({ replicas: 1 }));
  const shown = scaleManagedFields(live.metadata.managedFields, 'spec.replicas');
  assert.deepEqual(shown?.[0]?.fieldsV1, { 'f:spec': { 'f:replicas': {} } });
  const taken = [
    {
      manager: 'hpa',
      operation: 'Update',
      apiVersion: 'autoscaling/v1',
      subresource: 'scale',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    },
  ];
  const after = withScaleManagedFields(live.metadata.managedFields, taken, 'spec.replicas', 'apps/v1') ?? [];
  assert.deepEqual(
    after.map(({ manager, subresource, apiVersion }) => [manager, subresource, apiVersion]),
    [
      ['one', undefined, 'apps/v1'],
      ['hpa', 'scale', 'apps/v1'],
    ],
  );
  assert.equal((after[0]!.fieldsV1 as Tree)['f:spec']['f:replicas'], undefined);
});

test('two items of one identity are owned together', () => {
  const ports = [
    { containerPort: 80, protocol: 'TCP' },
    { containerPort: 80, protocol: 'TCP' },
  ];
  const object = decode(pod, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', ports }] } });
  trackUpdate({ ...common, struct: pod, apiVersion: 'v1', manager: 'm', old: undefined, new: object });
  assert.deepEqual((object.metadata.managedFields![0]!.fieldsV1 as Tree)['f:spec']['f:containers']['k:{"name":"c"}']['f:ports'], {
    '.': {},
    'k:{"containerPort":80,"protocol":"TCP"}': {},
  });
});
