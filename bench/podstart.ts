/**
 * How long a pod takes from its creation until the API says that it is Running, its image being present: one pod after the other,
 * each followed by a watch from before its creation. Needs root; makes itself an isolated cluster unless --kubeconfig names one.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { pods as podKind } from '../src/api/core/v1/pod.ts';
import type { Pod } from '../src/api/core/v1/types.gen.ts';
import type { Client } from '../src/client/client.ts';
import { transportFromKubeconfig } from '../src/client/kubeconfig.ts';
import { createClient } from '../src/client/rest.ts';
import { freePort } from './targets.ts';

const { values } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    pods: { type: 'string', default: '20' },
    namespace: { type: 'string', default: 'default' },
    /** Every node has the sandbox's image, and its program waits. */
    image: { type: 'string', default: 'registry.k8s.io/pause:3.10.2' },
  },
});
const { namespace, image } = values;
const launcher = fileURLToPath(new URL('../knarr', import.meta.url));

/** When something was first seen of a pod, in milliseconds since it was asked for. */
interface Steps {
  created: number;
  scheduled: number;
  running: number;
}

const podOf = (name: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace },
  spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image, imagePullPolicy: 'IfNotPresent' }] },
});

async function startOne(client: Client, name: string): Promise<Steps> {
  const resource = client.resource(podKind);
  const stopping = new AbortController();
  const resourceVersion = (await resource.list(namespace, { fieldSelector: `metadata.name=${name}` })).metadata.resourceVersion as string;
  const events = resource.watch(namespace, { resourceVersion, fieldSelector: `metadata.name=${name}` }, stopping.signal);
  const started = performance.now();
  const since = (): number => performance.now() - started;
  const steps: Steps = { created: 0, scheduled: 0, running: 0 };
  const creating = resource.create(podOf(name)).then(() => {
    steps.created = since();
  });
  for await (const event of events) {
    if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue;
    const { spec, status } = event.object;
    if (spec?.nodeName) steps.scheduled ||= since();
    if (status?.phase !== 'Running') continue;
    steps.running = since();
    break;
  }
  stopping.abort();
  await creating;
  await resource.delete(namespace, name);
  return steps;
}

const format = (milliseconds: number): string => `${Math.round(milliseconds)}`;

function report(all: readonly Steps[]): void {
  const at = (step: keyof Steps, share: number): string => {
    const sorted = all.map((steps) => steps[step]).sort((a, b) => a - b);
    return format(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number);
  };
  console.log('| ms since the request | median | p90 |\n| --- | ---: | ---: |');
  for (const step of ['created', 'scheduled', 'running'] as const) console.log(`| ${step} | ${at(step, 0.5)} | ${at(step, 0.9)} |`);
}

async function measure(kubeconfig: string): Promise<void> {
  const client = createClient(await transportFromKubeconfig(kubeconfig), { userAgent: 'bench' });
  try {
    // The first pod of a node pays for what all others find done.
    await startOne(client, 'podstart-first');
    const all: Steps[] = [];
    for (let index = 0; index < Number(values.pods); index++) all.push(await startOne(client, `podstart-${index}`));
    report(all);
  } finally {
    await client.close();
  }
}

if (values.kubeconfig) await measure(values.kubeconfig);
else {
  const dataDir = mkdtempSync(join(tmpdir(), 'knarr-podstart-'));
  const knarr = (...args: string[]): Promise<unknown> => promisify(execFile)(launcher, [...args, '--data-dir', dataDir]);
  try {
    const started = performance.now();
    await knarr('up', '--isolated', '--kubeconfig', 'none', '--port', String(await freePort()));
    console.log(`up: ${format(performance.now() - started)} ms`);
    await measure(join(dataDir, 'admin.kubeconfig'));
  } finally {
    await knarr('down', '--purge');
  }
}
process.exit(0);
