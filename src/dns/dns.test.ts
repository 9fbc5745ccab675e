import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { type DecodedPacket, decode, encode, type RecordType } from 'dns-packet';
import { pino } from 'pino';
import type { Service } from '../api/core/v1/types.gen.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.gen.ts';
import { framed } from './forward.ts';
import { type DnsServer, startDns } from './server.ts';
import { type ClusterView, clusterIpsOf } from './view.ts';

const service = (name: string, spec: Service['spec']): Service => ({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'shop' }, spec });
const slice = (of: string, endpoints: EndpointSlice['endpoints'], ports: EndpointSlice['ports']): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `${of}-1`, namespace: 'shop', labels: { 'kubernetes.io/service-name': of } },
  addressType: 'IPv4',
  endpoints,
  ports,
});

const http = { name: 'http', port: 80, protocol: 'TCP' };
const services = [
  service('web', { clusterIP: '10.96.1.1', clusterIPs: ['10.96.1.1'], ports: [http] }),
  service('db', { clusterIP: 'None', clusterIPs: ['None'], ports: [http] }),
  service('big', { clusterIP: 'None', ports: [http] }),
  service('away', { type: 'ExternalName', externalName: 'elsewhere.example' }),
];
const slices = [
  slice(
    'db',
    [
      { addresses: ['10.244.0.5'], hostname: 'db-0', conditions: { ready: true } },
      { addresses: ['10.244.0.6'], conditions: { ready: true } },
      { addresses: ['10.244.0.7'], conditions: { ready: false } },
    ],
    [http],
  ),
  slice(
    'big',
    Array.from({ length: 100 }, (_, index) => ({ addresses: [`10.244.1.${index}`] })),
    [http],
  ),
];
const view: ClusterView = {
  service: (namespace, name) => services.find((one) => one.metadata.namespace === namespace && one.metadata.name === name),
  slices: (_, name) => slices.filter((one) => one.metadata.labels?.['kubernetes.io/service-name'] === name),
  hasNamespace: (name) => name === 'shop',
  servicesWithIp: (ip) => services.filter((one) => clusterIpsOf(one).includes(ip)),
  slicesWithIp: (ip) => slices.filter((one) => one.endpoints?.some((endpoint) => endpoint.addresses.includes(ip))),
  synced: Promise.resolve(),
};

const log = pino({ level: 'silent' });
let dns: DnsServer;
let elsewhere: DnsServer;
before(async () => {
  // The resolver outside: another of our servers whose cluster has the domain `example`.
  const outside: ClusterView = { ...view, service: () => service('x', { clusterIP: '192.0.2.7', ports: [] }), hasNamespace: () => true };
  elsewhere = await startDns({ view: outside, domain: 'svc.example', address: '127.0.0.1', port: 0, resolvers: () => [], log });
  dns = await startDns({
    view,
    domain: 'cluster.local',
    address: '127.0.0.1',
    port: 0,
    resolvers: () => [{ address: '127.0.0.1', port: elsewhere.port }],
    log,
  });
});
after(() => Promise.all([dns.close(), elsewhere.close()]));

const packet = (name: string, type: RecordType): Buffer => encode({ type: 'query', id: 7, flags: 0x100, questions: [{ name, type }] });

function ask(name: string, type: RecordType = 'A', port = dns.port): Promise<DecodedPacket & { rcode?: string }> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.once('message', (message) => {
      socket.close();
      resolve(decode(message));
    });
    socket.send(packet(name, type), port, '127.0.0.1');
  });
}

const data = (answer: DecodedPacket): unknown[] => (answer.answers ?? []).map((one) => ('data' in one ? one.data : undefined));

test('a service has its cluster IP', async () => {
  const answer = await ask('web.shop.svc.cluster.local');
  assert.deepEqual(data(answer), ['10.96.1.1']);
  assert.equal(answer.flag_aa, true);
  assert.equal(answer.id, 7);
});

test('letter case of the question comes back and does not matter', async () => {
  const answer = await ask('WEB.shop.SVC.cluster.local');
  assert.equal(answer.answers?.[0]?.name, 'WEB.shop.SVC.cluster.local');
  assert.deepEqual(data(answer), ['10.96.1.1']);
});

test('a type that a name does not have is an empty answer, a name that does not exist is NXDOMAIN', async () => {
  const empty = await ask('web.shop.svc.cluster.local', 'AAAA');
  assert.deepEqual([empty.rcode, data(empty), empty.authorities?.[0]?.type], ['NOERROR', [], 'SOA']);
  for (const name of ['nope.shop.svc.cluster.local', 'web.other.svc.cluster.local', 'x.cluster.local', 'a.b.c.web.shop.svc.cluster.local']) {
    const missing = await ask(name);
    assert.equal(missing.rcode, 'NXDOMAIN', name);
    assert.equal(missing.authorities?.[0]?.type, 'SOA');
  }
  assert.equal((await ask('shop.svc.cluster.local')).rcode, 'NOERROR');
});

test('a headless service has the addresses of its ready endpoints, and each endpoint a name', async () => {
  assert.deepEqual(data(await ask('db.shop.svc.cluster.local')), ['10.244.0.5', '10.244.0.6']);
  assert.deepEqual(data(await ask('db-0.db.shop.svc.cluster.local')), ['10.244.0.5']);
  assert.deepEqual(data(await ask('10-244-0-6.db.shop.svc.cluster.local')), ['10.244.0.6']);
  assert.equal((await ask('db-7.db.shop.svc.cluster.local')).rcode, 'NXDOMAIN');
});

test('SRV records name port and target, with the addresses of the targets', async () => {
  const answer = await ask('_http._tcp.web.shop.svc.cluster.local', 'SRV');
  assert.deepEqual(data(answer), [{ priority: 0, weight: 100, port: 80, target: 'web.shop.svc.cluster.local' }]);
  assert.deepEqual(
    answer.additionals?.map((one) => 'data' in one && one.data),
    ['10.96.1.1'],
  );
  const headless = await ask('_http._tcp.db.shop.svc.cluster.local', 'SRV');
  assert.deepEqual(
    data(headless).map((one) => (one as { target: string }).target),
    ['db-0.db.shop.svc.cluster.local', '10-244-0-6.db.shop.svc.cluster.local'],
  );
  assert.equal((await ask('_https._tcp.web.shop.svc.cluster.local', 'SRV')).rcode, 'NXDOMAIN');
});

test('a pod has a name made of its address', async () => {
  assert.deepEqual(data(await ask('10-244-0-9.shop.pod.cluster.local')), ['10.244.0.9']);
  assert.equal((await ask('10-244-0-999.shop.pod.cluster.local')).rcode, 'NXDOMAIN');
});

test('addresses have names', async () => {
  assert.deepEqual(data(await ask('1.1.96.10.in-addr.arpa', 'PTR')), ['web.shop.svc.cluster.local']);
  assert.deepEqual(data(await ask('5.0.244.10.in-addr.arpa', 'PTR')), ['db-0.db.shop.svc.cluster.local']);
});

test('ExternalName is an alias, with the addresses of its target', async () => {
  const answer = await ask('away.shop.svc.cluster.local');
  assert.deepEqual(data(answer)[0], 'elsewhere.example');
});

test('other names are asked elsewhere, and a resolver that is not there is a server failure', async () => {
  assert.deepEqual(data(await ask('x.shop.svc.svc.example')), ['192.0.2.7']);
  const none = await ask('anything.example', 'A', elsewhere.port);
  assert.equal(none.rcode, 'SERVFAIL');
});

test('an answer that is too large for a datagram is marked as truncated and comes whole over TCP', async () => {
  const truncated = await ask('big.shop.svc.cluster.local');
  assert.deepEqual([truncated.flag_tc, data(truncated)], [true, []]);
  const whole = await new Promise<DecodedPacket>((resolve, reject) => {
    const socket = connect(dns.port, '127.0.0.1', () => socket.write(framed(packet('big.shop.svc.cluster.local', 'A'))));
    let received = Buffer.alloc(0);
    socket.once('error', reject);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 + received.readUInt16BE(0)) return;
      socket.destroy();
      resolve(decode(received.subarray(2)));
    });
  });
  assert.equal(data(whole).length, 100);
});

test('garbage is not answered and does no harm', async () => {
  const socket = createSocket('udp4');
  await new Promise<void>((done) => socket.send(Buffer.from([1, 2, 3]), dns.port, '127.0.0.1', () => done()));
  socket.close();
  assert.deepEqual(data(await ask('web.shop.svc.cluster.local')), ['10.96.1.1']);
});

test('what is asked before the cluster has been listed is answered when it has', async () => {
  const listed = Promise.withResolvers<void>();
  let seen = false;
  const early: ClusterView = { ...view, service: (...name) => (seen ? view.service(...name) : undefined), synced: listed.promise };
  const starting = await startDns({ view: early, domain: 'cluster.local', address: '127.0.0.1', port: 0, resolvers: () => [], log });
  const answer = ask('web.shop.svc.cluster.local', 'A', starting.port);
  await ask('web.shop.svc.cluster.local'); // time for the first to arrive
  seen = true;
  listed.resolve();
  assert.deepEqual(data(await answer), ['10.96.1.1']);
  await starting.close();
});
