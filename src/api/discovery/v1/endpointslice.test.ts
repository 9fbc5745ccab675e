import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cells, context } from '../../testing/strategy.ts';
import { changeProblems, created, problems } from '../../testing/validate.ts';
import { endpointslices } from './endpointslice.ts';

const slice = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  metadata: { name: 'x', namespace: 'default' },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.0.0.1'] }],
  ports: [{ port: 80 }],
  ...over,
});

test('a port is TCP and has no name', () => assert.deepEqual(created(endpointslices, slice())['ports'], [{ port: 80, name: '', protocol: 'TCP' }]));

const bad: [string, Record<string, unknown>, string[]][] = [
  ['of an unknown type', { addressType: 'x' }, ['addressType: Unsupported value: "x": supported values: "FQDN", "IPv4", "IPv6"']],
  [
    'of other addresses',
    { endpoints: [{ addresses: [] }, { addresses: ['::1', 'x', '127.0.0.1'] }] },
    [
      'endpoints[0].addresses: Required value: must contain at least 1 address',
      'endpoints[1].addresses: Invalid value: "::1": must be an IPv4 address',
      'endpoints[1].addresses[0]: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'endpoints[1].addresses[1]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'endpoints[1].addresses[2]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
  ],
  [
    'with ports that are the same',
    { ports: [{ name: 'a' }, { name: 'a', protocol: 'x' }] },
    ['ports[1].name: Duplicate value: "a"', 'ports[1].protocol: Unsupported value: "x": supported values: "SCTP", "TCP", "UDP"'],
  ],
  [
    'with hints that are the same',
    { endpoints: [{ addresses: ['10.0.0.1'], hints: { forZones: [{ name: 'a' }, { name: 'a' }] } }] },
    ['endpoints[0].hints.forZones[1].name: Duplicate value: "a"'],
  ],
];
for (const [what, over, messages] of bad) {
  test(`a slice ${what} is refused`, () => assert.deepEqual(problems(endpointslices, slice(over)), messages));
}

test('the type of addresses stays', () => {
  const errors = changeProblems(endpointslices, slice({ endpoints: [] }), (object) => {
    object['addressType'] = 'IPv6';
  });
  assert.deepEqual(errors, ['addressType: Invalid value: "IPv6": field is immutable']);
});

test('a slice of another service is another generation', () => {
  const old = created(endpointslices, slice());
  old.metadata.generation = 1;
  const object = structuredClone(old);
  object.metadata.labels = { 'kubernetes.io/service-name': 's' };
  endpointslices.prepareForUpdate?.(object as never, old as never, context());
  assert.equal(object.metadata.generation, 2);
});

test('kubectl shows a few ports and addresses', () => {
  const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];
  const object = created(endpointslices, slice({ endpoints: [{ addresses }], ports: [{ port: 80 }, { name: 'any' }] }));
  assert.deepEqual(cells(endpointslices, object as never).slice(0, 4), ['x', 'IPv4', '80,any', '10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...']);
});
