import assert from 'node:assert/strict';
import { test } from 'node:test';
import { path } from '../fieldpath.ts';
import type { ObjectMeta } from '../meta.ts';
import { validateConditions, validateFullyQualifiedDomainName, validateImmutable, validateIntOrPercent, validateLegacyIpField } from './common.ts';
import { totalAnnotationSizeLimit, validateObjectMeta, validateObjectMetaUpdate } from './objectmeta.ts';

const at = path('metadata');
const create = (meta: Partial<ObjectMeta>, namespaced = false) =>
  validateObjectMeta({ name: 'a', ...meta }, { namespaced }, at).map((error) => error.message());
const update = (meta: Partial<ObjectMeta>, old: Partial<ObjectMeta> = {}) =>
  validateObjectMetaUpdate({ name: 'a', resourceVersion: '1', ...meta }, { name: 'a', resourceVersion: '1', ...old }, at).map((error) => error.message());
const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' };

function starts(messages: string[], expected: string[]) {
  assert.equal(messages.length, expected.length, messages.join('\n'));
  for (const [index, start] of expected.entries()) assert.ok(messages[index]!.startsWith(start), messages[index]);
}

test('good metadata passes', () => {
  assert.deepEqual(
    create(
      {
        namespace: 'ns',
        generateName: 'a-',
        labels: { a: 'b' },
        annotations: { 'A.b/C': 'x y' },
        finalizers: ['x/y', 'orphan'],
        ownerReferences: [{ ...owner, controller: true }, owner],
        managedFields: [{ manager: 'a', operation: 'Apply' }],
      },
      true,
    ),
    [],
  );
});

test('names and namespaces', () => {
  starts(create({ name: '' }), ['metadata.name: Required value: name or generateName is required']);
  starts(create({ name: 'A' }), ['metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain']);
  starts(create({ generateName: 'AB-' }), ['metadata.generateName: Invalid value: "AB-": a lowercase']);
  starts(create({}, true), ['metadata.namespace: Required value']);
  starts(create({ namespace: 'a.b' }, true), ['metadata.namespace: Invalid value: "a.b": must not contain dots']);
  starts(create({ namespace: 'a' }), ['metadata.namespace: Forbidden: not allowed on this type']);
});

test('labels, annotations, finalizers, generation', () => {
  starts(create({ labels: { 'a/b/c': '-' } }), [
    'metadata.labels: Invalid value: "a/b/c": a valid label key',
    'metadata.labels: Invalid value: "-": a valid label must',
  ]);
  assert.deepEqual(create({ annotations: { a: 'x'.repeat(totalAnnotationSizeLimit - 1) } }), []);
  assert.deepEqual(create({ annotations: { a: 'x'.repeat(totalAnnotationSizeLimit) } }), ['metadata.annotations: Too long: may not be more than 262144 bytes']);
  starts(create({ finalizers: ['foo'] }), ['metadata.finalizers[0]: Invalid value: "foo": name is neither a standard finalizer name']);
  starts(create({ finalizers: ['orphan', 'foregroundDeletion'] }), [
    'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
  ]);
  starts(create({ generation: -1 }), ['metadata.generation: Invalid value: -1: must be greater than or equal to 0']);
});

test('owner references', () => {
  starts(
    create({
      ownerReferences: [
        { ...owner, controller: true },
        { ...owner, name: 'q', controller: true },
      ],
    }),
    ['metadata.ownerReferences: Invalid value: [{'],
  );
  assert.ok(
    create({
      ownerReferences: [
        { ...owner, controller: true },
        { ...owner, name: 'q', controller: true },
      ],
    })[0]!.endsWith('in references for Pod/p and Pod/q'),
  );
  starts(create({ ownerReferences: [{ apiVersion: '', kind: '', name: '', uid: '' }] }), [
    'metadata.ownerReferences.apiVersion',
    'metadata.ownerReferences.kind',
    'metadata.ownerReferences.name',
    'metadata.ownerReferences.uid',
  ]);
  assert.ok(create({ ownerReferences: [{ ...owner, kind: 'Event' }] })[0]!.endsWith('/v1, Kind=Event is disallowed from being an owner'));
});

test('managed fields', () => {
  assert.deepEqual(create({ managedFields: [{ operation: 'x' }] }), ['metadata.managedFields[0].operation: Invalid value: "x": must be `Apply` or `Update`']);
  assert.deepEqual(create({ managedFields: [{ operation: 'Apply', fieldsType: 'x' }] }), [
    'metadata.managedFields[0].fieldsType: Invalid value: "x": must be `FieldsV1`',
  ]);
  assert.deepEqual(create({ managedFields: [{ operation: 'Apply', manager: 'a\u0007' }] }), [
    'metadata.managedFields[0].manager: Invalid value: "a\\a": invalid character U+0007 (at position 1)',
  ]);
});

test('what an update may not change', () => {
  assert.deepEqual(update({}), []);
  starts(update({ resourceVersion: '' }), ['metadata.resourceVersion: Invalid value: "": must be specified for an update']);
  starts(update({ name: 'b', uid: 'x' }, { uid: 'y' }), [
    'metadata.name: Invalid value: "b": field is immutable',
    'metadata.uid: Invalid value: "x": field is immutable',
  ]);
  starts(update({ generation: 1 }, { generation: 2 }), ['metadata.generation: Invalid value: 1: must not be decremented']);
  starts(update({ deletionTimestamp: '2026-01-01T00:00:00Z' }), ['metadata.deletionTimestamp: Invalid value: "2026-01-01T00:00:00Z": field is immutable']);
  assert.deepEqual(update({ deletionTimestamp: 'x', finalizers: ['a/b', 'c/d'] }, { deletionTimestamp: 'x', finalizers: ['a/b'] }), [
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"c/d"}',
  ]);
});

test('helpers that kinds share', () => {
  assert.deepEqual(validateImmutable([], undefined, at), []);
  assert.equal(validateImmutable({ b: 1, a: [1] }, { a: [2], b: 1 }, at)[0]?.message(), 'metadata: Invalid value: {"b":1,"a":[1]}: field is immutable');
  assert.deepEqual(validateIntOrPercent('50%', at), []);
  assert.equal(validateIntOrPercent('50', at).length, 1);
  assert.equal(validateIntOrPercent(-1, at).length, 1);
  assert.deepEqual(validateFullyQualifiedDomainName('a.b.', at), []);
  assert.equal(validateFullyQualifiedDomainName('a', at).length, 1);
  assert.equal(validateLegacyIpField('01.2.3.4', at).length, 1);
  assert.deepEqual(validateLegacyIpField('01.2.3.4', at, true, ['01.2.3.4']), []);
  const good = { type: 'Ready', status: 'True', reason: 'Ok', lastTransitionTime: '2026-01-01T00:00:00Z' };
  assert.deepEqual(validateConditions([good], at), []);
  assert.deepEqual(
    validateConditions([good, good], at).map((error) => error.message()),
    ['metadata[1].type: Duplicate value: "Ready"'],
  );
  assert.equal(validateConditions([{ type: 'a b', status: 'x' }], at).length, 4);
});
