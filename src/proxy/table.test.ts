/** The rules in a real kernel: in a network namespace of its own, through the real nft. Needs root. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import type { Service } from '../api/core/v1/types.gen.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.gen.ts';
import { emptyFragment, type Fragment, fragmentOf } from './fragment.ts';
import { frame, transaction } from './table.ts';

const namespace = `knarr-test-proxy-${process.pid}`;
const context = { node: { name: 'a' }, family: 'IPv4' as const, clusterCidr: '10.244.0.0/16' };

const inside = (program: string, args: readonly string[], input = ''): string =>
  execFileSync('nsenter', [`--net=/run/netns/${namespace}`, program, ...args], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
const apply = (text: string): string => inside('nft', ['-f', '-'], text);
const start = (): string => apply(frame({ family: 'IPv4', podCidr: '10.244.1.0/24', clusterCidr: '10.244.0.0/16' }));
/** What stands, in an order of its own: nft lists maps and chains as they were made. */
const standing = (): string[] =>
  inside('nft', ['list', 'table', 'ip', 'knarr-proxy'])
    .split(/\n\t(?=\S)/)
    .map((block) =>
      block
        .replaceAll(
          /elements = \{([^}]*)\}/g,
          (_, list: string) =>
            `elements = ${list
              .split(',')
              .map((one) => one.trim())
              .sort()
              .join()}`,
        )
        .replace(/\n\}\s*$/, '')
        .trim(),
    )
    .sort();

const service = (name: string, ip: string, spec: Partial<Service['spec']> = {}): Service => ({
  metadata: { name, namespace: 'shop' },
  spec: { type: 'ClusterIP', clusterIP: ip, clusterIPs: [ip], ports: [{ name: 'http', port: 80, protocol: 'TCP' }], ...spec },
});
const slice = (addresses: string[], port = 8080): EndpointSlice => ({
  metadata: { name: 'x', namespace: 'shop' },
  addressType: 'IPv4',
  endpoints: addresses.map((address) => ({ addresses: [address], nodeName: address.startsWith('10.244.1.') ? 'a' : 'b', conditions: { ready: true } })),
  ports: [{ name: 'http', port, protocol: 'TCP' }],
});

const shapes: Fragment[] = [
  emptyFragment,
  fragmentOf(service('web', '10.96.0.9'), [], context),
  fragmentOf(service('web', '10.96.0.9'), [slice(['10.244.1.5'])], context),
  fragmentOf(service('web', '10.96.0.9'), [slice(['10.244.1.5', '10.244.2.6', '10.244.2.7'])], context),
  fragmentOf(
    service('web', '10.96.0.9', { type: 'NodePort', ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30080 }] }),
    [slice(['10.244.2.6'])],
    context,
  ),
  fragmentOf(
    service('web', '10.96.0.9', { type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30080 }] }),
    [slice(['10.244.1.5', '10.244.2.6'])],
    context,
  ),
  fragmentOf(service('web', '10.96.0.9', { sessionAffinity: 'ClientIP' }), [slice(['10.244.1.5', '10.244.2.6'])], context),
  fragmentOf(service('web', '10.96.0.9', { externalIPs: ['192.0.2.1'] }), [slice(['10.244.1.5'])], context),
];

before(() => {
  execFileSync('ip', ['netns', 'add', namespace]);
  inside('ip', ['link', 'set', 'lo', 'up']);
});
after(() => {
  execFileSync('ip', ['netns', 'del', namespace]);
});

test('every change of a service, applied as one transaction, leaves what a fresh table would have', () => {
  for (const from of shapes) {
    for (const to of shapes) {
      start();
      apply(transaction('IPv4', [{ from: emptyFragment, to }]));
      const fresh = standing();
      start();
      apply(transaction('IPv4', [{ from: emptyFragment, to: from }]));
      apply(transaction('IPv4', [{ from, to }]));
      assert.deepEqual(standing(), fresh);
    }
  }
});

test('a service that did not change costs nothing', () => {
  for (const shape of shapes) assert.equal(transaction('IPv4', [{ from: shape, to: shape }]), '');
});

/** Answers every connection with `name`; resolves when it listens. */
async function serve(address: string, port: number, name: string): Promise<() => void> {
  const program = `require('net').createServer((c)=>{c.on('error',()=>{});c.end('${name} '+c.remoteAddress)}).listen(${port},'${address}',()=>console.log('up'))`;
  const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, process.execPath, '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return () => child.kill();
}

/** What each of `count` connections hears; `refused` when there is nobody. */
function connect(address: string, port: number, count: number): string[] {
  const program = `(async()=>{const out=[];for(let i=0;i<${count};i++)out.push(await new Promise((r)=>{let t='';const c=require('net').connect(${port},'${address}');c.setTimeout(2000,()=>{r('timeout');c.destroy()});c.on('data',(d)=>t+=d);c.on('error',(e)=>r(e.code==='ECONNREFUSED'?'refused':e.code));c.on('close',()=>r(t))}));console.log(JSON.stringify(out))})()`;
  return JSON.parse(inside(process.execPath, ['-e', program])) as string[];
}

test('connections reach every endpoint, and are refused when there is none', async () => {
  for (const address of ['10.244.1.5', '10.244.1.6']) inside('ip', ['addr', 'add', `${address}/32`, 'dev', 'lo']);
  // The cluster IP needs a route of its own here, where there is no default one.
  inside('ip', ['route', 'add', '10.96.0.0/16', 'dev', 'lo']);
  const stop = [await serve('10.244.1.5', 8080, 'one'), await serve('10.244.1.6', 8080, 'two')];
  try {
    const web = service('web', '10.96.0.9', { type: 'NodePort', ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30080 }] });
    const both = fragmentOf(web, [slice(['10.244.1.5', '10.244.1.6'])], context);
    start();
    apply(transaction('IPv4', [{ from: emptyFragment, to: both }]));
    const answers = connect('10.96.0.9', 80, 60).map((answer) => answer.split(' ')[0]);
    const ones = answers.filter((answer) => answer === 'one').length;
    assert.deepEqual([...new Set(answers)].sort(), ['one', 'two']);
    // The chance that 60 fair choices fall outside of 12…48 is below one in a million.
    assert.ok(ones >= 12 && ones <= 48, `${ones} of 60`);
    assert.match(connect('10.244.1.5', 30080, 1)[0] as string, /^(one|two)/);
    const none = fragmentOf(web, [], context);
    apply(transaction('IPv4', [{ from: both, to: none }]));
    assert.deepEqual(connect('10.96.0.9', 80, 1), ['refused']);
    assert.deepEqual(connect('10.244.1.5', 30080, 1), ['refused']);
  } finally {
    for (const end of stop) end();
  }
});

test('with session affinity a client stays with its endpoint', async () => {
  const stop = [await serve('10.244.1.5', 8081, 'one'), await serve('10.244.1.6', 8081, 'two')];
  try {
    const sticky = fragmentOf(service('web', '10.96.0.9', { sessionAffinity: 'ClientIP' }), [slice(['10.244.1.5', '10.244.1.6'], 8081)], context);
    start();
    apply(transaction('IPv4', [{ from: emptyFragment, to: sticky }]));
    const answers = new Set(connect('10.96.0.9', 80, 20).map((answer) => answer.split(' ')[0]));
    assert.equal(answers.size, 1);
  } finally {
    for (const end of stop) end();
  }
});
