/** Services in front of pods, on two nodes: addresses, names, spreading, sessions, refusal, node ports, headless, ExternalName. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, ok, startTestCluster, type TestCluster } from './cluster.ts';
import { busybox, importBusybox } from './images.ts';

let cluster: TestCluster;
const server = 'mkdir -p /www && hostname >/www/index.html && exec httpd -f -p 8080 -h /www';
const podOn = (name: string, node: string, labels: object, script: string, extra: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: { nodeName: node, terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: busybox, command: ['sh', '-c', script], ...extra }] },
});
const service = (name: string, spec: object): object => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec });

before(async () => {
  cluster = await startTestCluster({ nodes: 2, args: ['--dual-stack'] });
  await importBusybox(cluster);
  const ready = { readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 }, ports: [{ name: 'http', containerPort: 8080 }] };
  await cluster.apply([
    podOn('web-1', 'node-1', { app: 'web' }, server, ready),
    podOn('web-2', 'node-2', { app: 'web' }, server, ready),
    podOn('client-1', 'node-1', { app: 'client' }, 'sleep 3600'),
    podOn('client-2', 'node-2', { app: 'client' }, 'sleep 3600'),
    service('web', { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] }),
    service('sticky', { selector: { app: 'web' }, sessionAffinity: 'ClientIP', ports: [{ port: 80, targetPort: 8080 }] }),
    service('outside', { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] }),
    service('both', {
      type: 'NodePort',
      ipFamilyPolicy: 'RequireDualStack',
      ipFamilies: ['IPv6', 'IPv4'],
      selector: { app: 'web' },
      ports: [{ port: 80, targetPort: 8080 }],
    }),
    service('headless', { clusterIP: 'None', selector: { app: 'web' }, ports: [{ name: 'http', port: 8080 }] }),
    service('nobody', { selector: { app: 'nobody' }, ports: [{ port: 80 }] }),
    service('alias', { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' }),
  ]);
  await cluster.kubectl(['wait', '--for=condition=Ready', 'pod', '--all', '--timeout=90s']);
});
after(() => cluster.down());

const inPod = (pod: string, script: string): Promise<string> => cluster.kubectl(['exec', pod, '--', 'sh', '-c', script]);
const askMany = async (pod: string, url: string, count: number): Promise<string[]> =>
  (await inPod(pod, `for i in $(seq ${count}); do wget -qO- ${url} || echo failed; done`)).trim().split('\n');

test('a service name reaches every ready pod, from every node, with about the same chance', async () => {
  for (const client of ['client-1', 'client-2']) {
    await eventually('both answer', async () => new Set(await askMany(client, 'http://web/', 10)).size === 2);
    const answers = await askMany(client, 'http://web.default.svc.cluster.local/', 60);
    const ones = answers.filter((answer) => answer === 'web-1').length;
    assert.deepEqual([...new Set(answers)].sort(), ['web-1', 'web-2']);
    assert.ok(ones >= 12 && ones <= 48, `${ones} of 60`);
  }
});

test('with session affinity a client stays with its pod', async () => {
  assert.match([...new Set(await askMany('client-1', 'http://sticky/', 15))].join(), /^web-[12]$/);
});

test('a service without endpoints refuses', async () => {
  assert.match(await inPod('client-1', 'wget -qO- http://nobody/ 2>&1 || true'), /Connection refused/);
});

test('a node port answers on every node', async () => {
  const { spec } = await cluster.get<{ spec: { ports: { nodePort: number }[] } }>('service', 'outside');
  const nodes = await cluster.get<{ items: { status: { addresses: { type: string; address: string }[] } }[] }>('nodes');
  for (const { status } of nodes.items) {
    const address = status.addresses.find(({ type }) => type === 'InternalIP')?.address;
    const response = await fetch(`http://${address}:${spec.ports[0]?.nodePort}/`, { signal: AbortSignal.timeout(5_000) });
    assert.match(await response.text(), /^web-[12]\n$/);
  }
});

test('names: headless services have their pods, each pod of a subdomain a name, an alias its target, addresses their names', async () => {
  const lookup = (name: string, type = 'a'): Promise<string> => inPod('client-1', `nslookup -type=${type} ${name} 2>&1 || true`);
  const pods = await cluster.get<{ items: { metadata: { name: string }; status: { podIP: string } }[] }>('pods', '-l', 'app=web');
  const headless = await lookup('headless.default.svc.cluster.local');
  for (const { status } of pods.items) assert.ok(headless.includes(status.podIP), headless);
  assert.match(await lookup('alias.default.svc.cluster.local'), /canonical name = web\.default\.svc\.cluster\.local/);
  assert.match(await lookup('_http._tcp.headless.default.svc.cluster.local', 'srv'), /service = 0 100 8080/);
  assert.match(await lookup('nothing.default.svc.cluster.local'), /NXDOMAIN/);
  const { spec } = await cluster.get<{ spec: { clusterIP: string } }>('service', 'web');
  assert.match(await inPod('client-1', `nslookup ${spec.clusterIP}`), /name = web\.default\.svc\.cluster\.local/);
});

test('the API is a service too, and a pod’s token opens it', async () => {
  const script =
    'cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; nslookup kubernetes.default.svc.cluster.local | tail -n 3; nc -w 3 kubernetes.default 443 </dev/null && echo open';
  const output = await inPod('client-2', script);
  assert.match(output, /^default/);
  assert.match(output, /10\.96\.0\.1/);
  assert.match(output, /open/);
});

test('a pod that stops being ready gets no more connections; its replacement does', async () => {
  await inPod('web-1', 'rm /www/index.html');
  await eventually('only web-2 answers', async () => {
    const answers = new Set(await askMany('client-1', 'http://web/', 10));
    return answers.size === 1 && answers.has('web-2');
  });
  await inPod('web-1', 'echo again >/www/index.html');
  await eventually('both answer', async () => (await askMany('client-1', 'http://web/', 10)).includes('again'));
});

test('pods and services of both families: names have an address of each, and either reaches the pods of every node', async () => {
  const pod = await cluster.get<{ status: { podIP: string; podIPs: { ip: string }[]; hostIPs: { ip: string }[] } }>('pod', 'web-2');
  assert.equal(pod.status.podIPs[0]?.ip, pod.status.podIP);
  assert.deepEqual(
    [pod.status.podIPs, pod.status.hostIPs].map((ips) => ips.map(({ ip }) => ip.includes(':'))),
    [
      [false, true],
      [false, true],
    ],
  );
  const { spec } = await cluster.get<{ spec: { clusterIPs: string[]; ipFamilies: string[]; ports: { nodePort: number }[] } }>('service', 'both');
  assert.deepEqual(spec.ipFamilies, ['IPv6', 'IPv4']);
  const names = await inPod('client-1', 'nslookup -type=aaaa both.default.svc.cluster.local; nslookup -type=a both.default.svc.cluster.local');
  for (const address of spec.clusterIPs) assert.ok(names.includes(address), names);
  for (const address of spec.clusterIPs.map((one) => (one.includes(':') ? `[${one}]` : one))) {
    await eventually('both answer', async () => new Set(await askMany('client-1', `http://${address}/`, 10)).size === 2);
  }
  const { status } = await cluster.get<{ status: { addresses: { type: string; address: string }[] } }>('node', 'node-1');
  const address = status.addresses.find((one) => one.type === 'InternalIP' && one.address.includes(':'))?.address;
  const response = await fetch(`http://[${address}]:${spec.ports[0]?.nodePort}/`, { signal: AbortSignal.timeout(5_000) });
  // The test before left the other pod with an answer of its own.
  assert.match(await response.text(), /^(again|web-2)\n$/);
  // Over the pods' own network, to another node.
  assert.equal(await inPod('client-1', `wget -qO- 'http://[${pod.status.podIPs[1]?.ip}]:8080/'`), 'web-2\n');
});

test('pods of different nodes reach each other under their own addresses', async () => {
  const { status } = await cluster.get<{ status: { podIP: string } }>('pod', 'client-1');
  await cluster.apply(
    podOn('echo', 'node-2', { app: 'echo' }, 'while :; do nc -l -p 9000 -e sh -c "echo \\$NCAT_REMOTE_ADDR; netstat -tn 2>/dev/null | grep 9000"; done'),
  );
  await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/echo', '--timeout=60s']);
  const echo = await cluster.get<{ status: { podIP: string } }>('pod', 'echo');
  const seen = await eventually('an answer', async () => (await inPod('client-1', `nc -w 3 ${echo.status.podIP} 9000 </dev/null`)) || undefined);
  assert.ok(seen.includes(status.podIP), seen);
});

test('the host’s own tables carry nothing of the services', async () => {
  const rules = await ok('nft', ['list', 'ruleset']);
  assert.doesNotMatch(rules, /table ip6? knarr-proxy/);
});
