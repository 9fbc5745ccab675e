/** Measures a control plane, and upstream's beside it when its programs are given: one after the other, in the same run. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { admitBencher, type Figures, measured, printTable, put, rate } from './measure.ts';
import { type RunningTarget, startKnarr, startUpstream, usageOf } from './targets.ts';

const { values } = parseArgs({
  options: {
    'kube-apiserver': { type: 'string' },
    etcd: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'lists,creates,updates,gets,watch' },
  },
});
const only = new Set(values.only.split(','));
const seconds = Number(values.seconds);
const connections = 32;
const objects = 5_000;

async function measure(target: RunningTarget): Promise<Figures> {
  const figures: Figures = new Map([['ready (ms)', target.readyMs]]);
  await sleep(3_000);
  figures.set('resident when idle (MB)', usageOf(target.pids).residentMb);
  await admitBencher(target);
  await sleep(500);
  const requests = { connections, seconds, objects };
  // Lists come first: both stores hold the same objects then.
  const filled = ['lists', 'updates', 'gets'].some((one) => only.has(one));
  if (filled) await put(target, { kind: 'create', protocol: 'http1', prefix: 'listed', count: objects, ...requests, seconds: 600 });
  const path = '/api/v1/namespaces/default/configmaps?resourceVersion=0';
  const list = { kind: 'list', connections: 4, seconds, path } as const;
  if (only.has('lists')) {
    await rate(target, figures, `lists of ${objects}, JSON`, { ...list, accept: 'application/json' });
    await rate(target, figures, `lists of ${objects}, JSON, gzip`, { ...list, accept: 'application/json', gzip: true });
    const accept = 'application/vnd.kubernetes.protobuf';
    await rate(target, figures, `lists of ${objects}, protobuf`, { ...list, accept });
    await rate(target, figures, `lists of ${objects}, protobuf, gzip`, { ...list, accept, gzip: true });
  }
  for (const [name, protocol] of [
    ['HTTP/1.1', 'http1'],
    ['HTTP/2', 'http2'],
  ] as const) {
    if (only.has('creates')) await rate(target, figures, `creates, ${name}`, { kind: 'create', protocol, prefix: protocol, ...requests });
    if (only.has('updates')) await rate(target, figures, `updates, ${name}`, { kind: 'update', protocol, prefix: 'listed', ...requests });
    if (only.has('gets')) await rate(target, figures, `gets, ${name}`, { kind: 'get', protocol, prefix: 'listed', ...requests });
  }
  if (only.has('watch')) {
    const load = { kind: 'watch', watchers: 1_000, events: 2_000, writers: connections, writer: target.admin } as const;
    await rate(target, figures, 'watch events to 1000 watchers', load);
  }
  figures.set('resident at the end (MB)', usageOf(target.pids).residentMb);
  return figures;
}

const apiserver = values['kube-apiserver'];
const upstream = apiserver && values.etcd ? await measured(() => startUpstream({ apiserver, etcd: values.etcd as string }), measure) : undefined;
printTable(await measured(startKnarr, measure), upstream);
process.exit(0);
