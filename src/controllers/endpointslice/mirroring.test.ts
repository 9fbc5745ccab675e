import assert from 'node:assert/strict';
import test from 'node:test';
import { mirrored } from './mirroring.ts';

const subset = (port: number, ...ips: string[]) => ({ addresses: ips.map((ip) => ({ ip })), ports: [{ port }] });
const summary = (subsets: ReturnType<typeof subset>[]) => {
  const { slices, invalid, tooMany } = mirrored({ metadata: { name: 'db', namespace: 'default' }, subsets });
  return { invalid, tooMany, slices: slices.map(({ addressType, ports, endpoints }) => [addressType, ports?.[0]?.port, endpoints?.length]) };
};

test('a slice for each family and set of ports; subsets with the same ports are one', () => {
  assert.deepEqual(summary([subset(80, '192.0.2.1', '2001:db8::1'), subset(81, '192.0.2.1'), subset(80, '192.0.2.2')]), {
    invalid: 0,
    tooMany: 0,
    slices: [
      ['IPv4', 80, 2],
      ['IPv6', 80, 1],
      ['IPv4', 81, 1],
    ],
  });
});

test('what is no address is left out, and what is beyond a thousand', () => {
  const many = Array.from({ length: 1002 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
  assert.deepEqual(summary([subset(80, 'nowhere', ...many)]), { invalid: 1, tooMany: 2, slices: [['IPv4', 80, 1000]] });
});
