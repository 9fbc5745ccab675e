import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loopbackResolvers, nodeResolvConf } from './resolvconf.ts';

const forwarder = '10.200.0.1';

test('resolvers that a network namespace can reach stay as they are', () => {
  const text = 'nameserver 192.0.2.53\nsearch example.org\n';
  assert.equal(nodeResolvConf(text, { forwarder, isolated: false }), 'nameserver 192.0.2.53\nsearch example.org\n');
});

test('a resolver on the host’s loopback is replaced by the forwarder', () => {
  const text = '# made by systemd-resolved\nnameserver 127.0.0.53\noptions edns0 trust-ad\n';
  assert.deepEqual(loopbackResolvers(text), ['127.0.0.53']);
  assert.equal(nodeResolvConf(text, { forwarder, isolated: false }), 'nameserver 10.200.0.1\n# made by systemd-resolved\noptions edns0 trust-ad\n');
});

test('an isolated cluster asks nobody', () => {
  assert.equal(nodeResolvConf('nameserver 192.0.2.53\nsearch example.org\n', { forwarder, isolated: true }), 'search example.org\n');
});
