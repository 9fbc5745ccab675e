import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hideNulls, withNulls } from '../apimachinery/nil.ts';
import { zeroStruct } from '../apimachinery/zero.ts';
import { structNames, structOf, structOfKind } from './schema.ts';

const show = (apiVersion: string, kind: string, object: object, given?: 'given'): object => withNulls(structOfKind(apiVersion, kind)!, object, given);

test('empty lists, times that are not set and pointers are shown as null where Go shows them', () => {
  assert.deepEqual(show('rbac.authorization.k8s.io/v1', 'Role', { metadata: { name: 'r' }, rules: [] }), { metadata: { name: 'r' }, rules: null });
  assert.deepEqual(show('v1', 'Event', { eventTime: '2026-01-01T00:00:00.000000Z' }), {
    eventTime: '2026-01-01T00:00:00.000000Z',
    firstTimestamp: null,
    lastTimestamp: null,
  });
  const pod = { spec: { containers: [{ name: 'c' }], volumes: [{ name: 'v', projected: { sources: [] } }] }, status: { conditions: [{ type: 'Ready' }] } };
  assert.deepEqual(show('v1', 'Pod', pod), {
    spec: { containers: [{ name: 'c' }], volumes: [{ name: 'v', projected: { sources: null } }] },
    status: { conditions: [{ type: 'Ready', lastProbeTime: null, lastTransitionTime: null }] },
  });
  assert.deepEqual(pod.status.conditions, [{ type: 'Ready' }], 'the object itself stays as it is');
  const claim = { spec: { dataSource: { kind: 'K', name: 'n' } } };
  assert.deepEqual(show('v1', 'PersistentVolumeClaim', claim), { spec: { dataSource: { kind: 'K', name: 'n', apiGroup: null } } });
});

test('what holds nothing of the kind is given back as it is, and so is an empty list of what was never stored', () => {
  for (const [apiVersion, kind, object] of [
    ['v1', 'ConfigMap', { metadata: { name: 'a' }, data: {} }],
    ['v1', 'Pod', { metadata: { name: 'a' }, spec: { containers: [{ name: 'c', args: [] }] } }],
  ] as const)
    assert.equal(show(apiVersion, kind, object), object);
  const review = { status: { resourceRules: [], nonResourceRules: [] } };
  assert.equal(show('authorization.k8s.io/v1', 'SelfSubjectRulesReview', review, 'given'), review);
});

test('of every type: what was shown is hidden again', () => {
  for (const name of structNames()) {
    const struct = structOf(name);
    const zero = zeroStruct(struct);
    const shown = withNulls(struct, zero);
    hideNulls(struct, shown);
    assert.deepEqual(shown, zero, name);
  }
});
