/** What the measurements share: their figures, their user, the load's process, and the table at the end. */
import { execFile } from 'node:child_process';
import { request } from 'node:https';
import { fileURLToPath } from 'node:url';
import type { Load, LoadResult } from './load.ts';
import { type Credentials, type RunningTarget, usageOf } from './targets.ts';

/** By the name of the measurement. */
export type Figures = Map<string, number>;

const loadFile = fileURLToPath(new URL('./load.ts', import.meta.url));

function generate(credentials: Credentials, load: Load): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [loadFile, JSON.stringify({ credentials, load })], { maxBuffer: 1 << 20 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}`));
      else resolve(JSON.parse(stdout) as LoadResult);
    });
  });
}

/** Puts a load on the target; fails when a request does. */
export async function put(target: RunningTarget, load: Load): Promise<LoadResult> {
  const result = await generate(target.bench, load);
  if (result.failures > 0) throw new Error(`${target.name}: ${result.failures} of ${result.requests} requests failed (${load.kind})`);
  return result;
}

/** Puts a load on the target and notes its rate, its latencies and what it costs the target. */
export async function rate(target: RunningTarget, figures: Figures, name: string, load: Load): Promise<void> {
  const before = usageOf(target.pids).cpuSeconds;
  const { requests, seconds, p50, p99, cpuSeconds: loadSeconds } = await put(target, load);
  figures.set(`${name} (/s)`, requests / seconds);
  const cpuMs = ((usageOf(target.pids).cpuSeconds - before) / requests) * 1000;
  figures.set(`${name} (CPU ms each)`, cpuMs);
  figures.set(`${name} (the load's CPU ms each)`, (loadSeconds / requests) * 1000);
  if (p50 !== undefined && p99 !== undefined) {
    figures.set(`${name} (p50 ms)`, p50);
    figures.set(`${name} (p99 ms)`, p99);
  }
  console.error(`${target.name}: ${name}: ${format(requests / seconds)}/s, ${cpuMs.toFixed(3)} CPU ms, p99 ${format(p99 ?? 0)} ms`);
}

/** Gives the user `bench` its rights, and pods their service account where no controller does. */
export async function admitBencher({ admin }: RunningTarget): Promise<void> {
  await create(admin, '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'bench' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'bench' }],
  });
  await create(admin, '/api/v1/namespaces/default/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
}

/** What is there already is left as it is. */
function create({ url, ca, cert, key }: Credentials, path: string, body: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const asking = request(`${url}${path}`, { method: 'POST', ca, cert, key, headers: { 'content-type': 'application/json' } }, (response) => {
      response.resume();
      if (response.statusCode === 201 || response.statusCode === 409) resolve();
      else reject(new Error(`${path}: ${response.statusCode}`));
    });
    asking.once('error', reject);
    asking.end(JSON.stringify(body));
  });
}

/** Measures what `start` starts, and ends it. */
export async function measured(start: () => Promise<RunningTarget>, measure: (target: RunningTarget) => Promise<Figures>): Promise<Figures> {
  const target = await start();
  try {
    return await measure(target);
  } finally {
    await target.stop();
  }
}

const format = (value: number): string => (value < 10 ? value.toFixed(2) : String(Math.round(value)));

/** Prints a Markdown table; with the ratio where there is something beside it. */
export function printTable(knarr: Figures, upstream: Figures | undefined): void {
  console.log(`| | knarr |${upstream ? ' upstream | knarr ÷ upstream |' : ''}`);
  console.log(`| --- | ---: |${upstream ? ' ---: | ---: |' : ''}`);
  for (const [name, value] of knarr) {
    const other = upstream?.get(name);
    console.log(`| ${name} | ${format(value)} |${other === undefined ? '' : ` ${format(other)} | ${(value / other).toFixed(2)} |`}`);
  }
}
