import assert from 'node:assert/strict';
import { test } from 'node:test';
import { events as strictEvents } from '../../events/v1/event.ts';
import { cells, context, created, createErrors, updateErrors } from '../../testing/strategy.ts';
import { configmaps } from './configmap.ts';
import { endpoints } from './endpoints.ts';
import { events } from './event.ts';
import { secrets } from './secret.ts';
import { serviceaccounts } from './serviceaccount.ts';
import type { ConfigMap, Event, Secret } from './types.gen.ts';

const metadata = { name: 'x', namespace: 'default', creationTimestamp: '2026-01-02T03:04:00Z' };
const encoded = (text: string): string => Buffer.from(text).toString('base64');

test('keys of a config map are file names, each once', () => {
  assert.deepEqual(createErrors(configmaps, { metadata, data: { a: '1', '..x': '2' }, binaryData: { a: '' } }), [
    'data[a]: Invalid value: "a": duplicate of key present in binaryData',
    'data[..x]: Invalid value: "..x": must not start with \'..\'',
  ]);
  assert.deepEqual(createErrors(configmaps, { metadata, data: { a: 'x'.repeat(1024 * 1024 + 1) } }), ['[]: Too long: may not be more than 1048576 bytes']);
});

test('an immutable config map or secret stays', () => {
  const map: ConfigMap = { metadata, immutable: true, data: { a: '1' } };
  assert.deepEqual(
    updateErrors(configmaps, map, (object) => {
      delete object.immutable;
      object.data = {};
    }),
    ['immutable: Forbidden: field is immutable when `immutable` is set', 'data: Forbidden: field is immutable when `immutable` is set'],
  );
  const secret: Secret = { metadata, type: 'Opaque', immutable: true };
  assert.deepEqual(
    updateErrors(secrets, secret, (object) => {
      object.stringData = { a: '1' };
    }),
    ['data: Forbidden: field is immutable when `immutable` is set'],
  );
});

test('text of a secret becomes data', () => {
  const secret = created(secrets, { metadata, data: { a: encoded('1'), b: encoded('2') }, stringData: { b: 'ü' } });
  assert.deepEqual(secret, { metadata, type: 'Opaque', data: { a: encoded('1'), b: encoded('ü') } });
});

const needed: Record<string, [Partial<Secret>, string[]]> = {
  'kubernetes.io/service-account-token': [{}, ['metadata.annotations[kubernetes.io/service-account.name]: Required value']],
  'kubernetes.io/dockercfg': [{}, ['data[.dockercfg]: Required value']],
  'kubernetes.io/dockerconfigjson': [
    { data: { '.dockerconfigjson': encoded('[]') } },
    ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": json: cannot unmarshal array into Go value of type map[string]interface {}'],
  ],
  'kubernetes.io/basic-auth': [{}, ['data[username]: Required value', 'data[password]: Required value']],
  'kubernetes.io/ssh-auth': [{ data: { 'ssh-privatekey': '' } }, ['data[ssh-privatekey]: Required value']],
  'kubernetes.io/tls': [{ data: { 'tls.crt': '' } }, ['data[tls.key]: Required value']],
};
for (const [type, [secret, messages]] of Object.entries(needed)) {
  test(`a secret of type ${type} has its keys`, () => assert.deepEqual(createErrors(secrets, { metadata, type, ...secret }), messages));
}

test("a secret's type stays", () => {
  const errors = updateErrors(secrets, { metadata, type: 'a' }, (object) => {
    object.type = 'b';
  });
  assert.deepEqual(errors, ['type: Invalid value: "b": field is immutable']);
  assert.deepEqual(cells(secrets, { metadata, type: 'Opaque', data: { a: '' } }), ['x', 'Opaque', 1, '5s']);
});

test('of the secrets of a service account only names are kept', () => {
  assert.deepEqual(created(serviceaccounts, { metadata, secrets: [{ name: 'a', namespace: 'b' }] }).secrets, [{ name: 'a' }]);
});

test('endpoints have addresses and ports', () => {
  const object = { metadata, subsets: [{ addresses: [{ ip: '169.254.0.1' }], ports: [{ port: 0 }, { name: 'b', port: 1 }] }, {}] };
  assert.deepEqual(createErrors(endpoints, object), [
    'subsets[0].addresses[0].ip: Invalid value: "169.254.0.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
    'subsets[0].ports[0].name: Required value',
    'subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    'subsets[1]: Required value: must specify `addresses` or `notReadyAddresses`',
  ]);
  // What stood before stays valid.
  assert.deepEqual(
    updateErrors(endpoints, created(endpoints, object), () => {}),
    [],
  );
  const four = { metadata, subsets: [{ addresses: ['1', '2', '3', '4'].map((last) => ({ ip: `10.0.0.${last}` })), ports: [{ port: 80 }] }] };
  assert.deepEqual(cells(endpoints, four), ['x', '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more...', '5s']);
});

const event: Event = {
  metadata,
  involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
  reason: 'R',
  message: ' text ',
  type: 'Normal',
  count: 2,
  firstTimestamp: '2026-01-02T03:00:05Z',
  lastTimestamp: '2026-01-02T03:04:00Z',
  source: { component: 'c', host: 'h' },
};

test('kubectl shows what happened, to what and when', () => {
  assert.deepEqual(cells(events, event), ['5s', 'Normal', 'R', 'pod/p', '', 'c, h', 'text', '4m', 2, 'x']);
  assert.equal(events.ttlSeconds?.(event), 3600);
});

test('an event is in the namespace of its object', () => {
  assert.deepEqual(createErrors(events, { ...event, metadata: { ...metadata, namespace: 'other' } }), [
    'involvedObject.namespace: Invalid value: "default": does not match event.namespace',
  ]);
});

test('events.k8s.io is another name for the same event, and stricter', () => {
  const { fromHub, toHub } = strictEvents.conversion!;
  const shown = fromHub(structuredClone(event));
  assert.equal(shown.note, ' text ');
  assert.deepEqual(shown.regarding, event.involvedObject);
  assert.equal(shown.deprecatedCount, 2);
  assert.deepEqual(toHub(shown), event);
  assert.deepEqual(cells(strictEvents, shown), cells(events, event));
  const strict = { apiVersion: 'events.k8s.io/v1' };
  assert.deepEqual(createErrors(events, event, strict), [
    'eventTime: Required value',
    'firstTimestamp: Invalid value: "": needs to be unset',
    'lastTimestamp: Invalid value: "": needs to be unset',
    'count: Invalid value: "": needs to be unset',
    'source: Invalid value: "": needs to be unset',
  ]);
  const modern: Event = {
    metadata,
    involvedObject: event.involvedObject,
    eventTime: '2026-01-02T03:04:05.000000Z',
    type: 'Normal',
    reportingComponent: 'a/b',
    reportingInstance: 'i',
    action: 'A',
    reason: 'R',
  };
  assert.deepEqual(createErrors(events, modern, strict), []);
  const errors = events.validateUpdate?.({ ...modern, reason: 'S', series: { count: 1 } }, modern, context(strict)) ?? [];
  assert.deepEqual(
    errors.map((error) => error.message()),
    ['series.count: Invalid value: "": should be at least 2', 'series.lastObservedTime: Required value', 'reason: Invalid value: "S": field is immutable'],
  );
});
