/** Memory, start and lists of a control plane that holds many pods, and upstream's beside it when its programs are given. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { admitBencher, type Figures, measured, printTable, rate } from './measure.ts';
import { type RunningTarget, startKnarr, startUpstream, usageOf } from './targets.ts';

const { values } = parseArgs({
  options: { 'kube-apiserver': { type: 'string' }, etcd: { type: 'string' }, pods: { type: 'string', default: '50000' } },
});
const pods = Number(values.pods);

async function measure(target: RunningTarget): Promise<Figures> {
  const figures: Figures = new Map();
  await sleep(3_000);
  await admitBencher(target);
  await sleep(500);
  await rate(target, figures, `creating ${pods} pods`, { kind: 'pods', connections: 32, count: pods });
  await sleep(10_000);
  figures.set(`resident with ${pods} pods (MB)`, usageOf(target.pids).residentMb);
  figures.set(`ready with ${pods} pods stored (ms)`, await target.restart());
  await sleep(10_000);
  figures.set('resident after that start (MB)', usageOf(target.pids).residentMb);
  const path = '/api/v1/pods?resourceVersion=0';
  await rate(target, figures, `lists of ${pods} pods`, { kind: 'list', connections: 1, seconds: 5, path, accept: 'application/json' });
  figures.set('resident after lists (MB)', usageOf(target.pids).residentMb);
  return figures;
}

const apiserver = values['kube-apiserver'];
const upstream = apiserver && values.etcd ? await measured(() => startUpstream({ apiserver, etcd: values.etcd as string }), measure) : undefined;
printTable(await measured(startKnarr, measure), upstream);
process.exit(0);
