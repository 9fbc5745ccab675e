/** Churn of one namespace: a seed's sequence of writes, and what should stand when they have all been made. */
import { setTimeout as sleep } from 'node:timers/promises';
import { daemonsets } from '../../../src/api/apps/v1/daemonset.ts';
import { deployments } from '../../../src/api/apps/v1/deployment.ts';
import { statefulsets } from '../../../src/api/apps/v1/statefulset.ts';
import type { DaemonSet, Deployment, StatefulSet } from '../../../src/api/apps/v1/types.gen.ts';
import { cronjobs } from '../../../src/api/batch/v1/cronjob.ts';
import { jobs } from '../../../src/api/batch/v1/job.ts';
import type { CronJob, Job } from '../../../src/api/batch/v1/types.gen.ts';
import { configmaps } from '../../../src/api/core/v1/configmap.ts';
import { namespaces } from '../../../src/api/core/v1/namespace.ts';
import { pods } from '../../../src/api/core/v1/pod.ts';
import { resourcequotas } from '../../../src/api/core/v1/resourcequota.ts';
import { services } from '../../../src/api/core/v1/service.ts';
import type { ConfigMap, Service } from '../../../src/api/core/v1/types.gen.ts';
import { poddisruptionbudgets } from '../../../src/api/policy/v1/poddisruptionbudget.ts';
import type { KubeObject } from '../../../src/apimachinery/meta.ts';
import { controllerOf } from '../../../src/apimachinery/meta.ts';
import type { Client, DeleteQuery, ResourceRef } from '../../../src/client/client.ts';
import type { Random } from '../fuzz/random.ts';
import { insist, untilAnswered } from './insist.ts';
import * as objects from './objects.ts';

/** What a user has asked for and not taken back, by name. */
export interface Wanted {
  namespace: string;
  deployments: Map<string, Deployment>;
  statefulsets: Map<string, StatefulSet>;
  daemonsets: Map<string, DaemonSet>;
  jobs: Map<string, Job>;
  cronjobs: Map<string, CronJob>;
  services: Map<string, Service>;
  configmaps: Map<string, ConfigMap>;
  writes: number;
}

const mostJobs = 12;
const names = ['a', 'b', 'c'];
const policies: DeleteQuery['propagationPolicy'][] = ['Background', 'Foreground'];

/** Writes until the signal, then once more so that everything is as `Wanted` says; it holds when this resolves. */
export async function churnNamespace(client: Client, namespace: string, random: Random, signal: AbortSignal): Promise<Wanted> {
  const wanted: Wanted = {
    namespace,
    deployments: new Map(),
    statefulsets: new Map(),
    daemonsets: new Map(),
    jobs: new Map(),
    cronjobs: new Map(),
    services: new Map(),
    configmaps: new Map(),
    writes: 0,
  };
  const { create, patch, remove } = insist(client);
  let serial = 0;
  await create(namespaces, { metadata: { name: namespace }, spec: {} });
  await create(resourcequotas, objects.quota(namespace));

  /** Makes, scales, rolls or deletes one of three. */
  async function workload<T extends Deployment | StatefulSet>(
    kind: ResourceRef<T>,
    its: Map<string, T>,
    make: (name: string) => T,
    prefix: string,
  ): Promise<void> {
    const name = `${prefix}-${random.pick(names)}`;
    const current = its.get(name);
    if (!current) {
      const made = make(name);
      await create(kind, made);
      its.set(name, made);
    } else if (random.oneIn(5)) {
      await remove(kind, namespace, name, { propagationPolicy: random.pick(policies)! });
      its.delete(name);
    } else if (random.oneIn(2)) {
      const replicas = random.below(6);
      await patch(kind, namespace, name, { spec: { replicas } });
      its.set(name, { ...current, spec: { ...current.spec, replicas } });
    } else await roll(kind, name);
  }
  const roll = (kind: ResourceRef, name: string): Promise<void> =>
    patch(kind, namespace, name, { spec: { template: { metadata: { annotations: { [objects.revision]: String(++serial) } } } } });

  async function daemons(): Promise<void> {
    const name = 'daemon-a';
    if (!wanted.daemonsets.has(name)) {
      const made = objects.daemonset(namespace, name, random);
      await create(daemonsets, made);
      wanted.daemonsets.set(name, made);
    } else if (random.oneIn(5)) {
      await remove(daemonsets, namespace, name, { propagationPolicy: random.pick(policies)! });
      wanted.daemonsets.delete(name);
    } else if (random.oneIn(2)) await roll(daemonsets, name);
    else {
      const nodeSelector = { 'topology.kubernetes.io/zone': objects.zone(random) };
      await patch(daemonsets, namespace, name, { spec: { template: { spec: { nodeSelector } } } });
      const current = wanted.daemonsets.get(name)!;
      const template = { ...current.spec!.template, spec: { ...current.spec!.template.spec!, nodeSelector } };
      wanted.daemonsets.set(name, { ...current, spec: { ...current.spec!, template } });
    }
  }

  async function work(): Promise<void> {
    const [oldest] = wanted.jobs.keys();
    if (oldest !== undefined && wanted.jobs.size >= mostJobs) {
      await remove(jobs, namespace, oldest, { propagationPolicy: random.pick(policies)! });
      wanted.jobs.delete(oldest);
      return;
    }
    const made = objects.job(namespace, `job-${++serial}`, random);
    await create(jobs, made);
    wanted.jobs.set(made.metadata.name, made);
  }

  async function scheduled(): Promise<void> {
    const name = `cron-${random.pick(names)}`;
    if (wanted.cronjobs.has(name)) {
      if (!random.oneIn(3)) return;
      await remove(cronjobs, namespace, name, { propagationPolicy: random.pick(policies)! });
      wanted.cronjobs.delete(name);
    } else {
      const made = objects.cronjob(namespace, name);
      await create(cronjobs, made);
      wanted.cronjobs.set(name, made);
    }
  }

  /** A root with children and a grandchild, of which the root goes in one of three ways. */
  async function tree(): Promise<void> {
    const name = `tree-${++serial}`;
    const root = await create(configmaps, objects.configmap(namespace, name));
    const children: ConfigMap[] = [];
    for (const child of [`${name}-1`, `${name}-2`]) children.push(await create(configmaps, objects.configmap(namespace, child, root)));
    const grandchild = await create(configmaps, objects.configmap(namespace, `${name}-1-1`, children[0]));
    const keep = (...kept: KubeObject[]): void => kept.forEach((one) => void wanted.configmaps.set(one.metadata.name, one));
    if (random.oneIn(4)) return keep(root, ...children, grandchild);
    const propagationPolicy = random.pick(['Background', 'Foreground', 'Orphan'] as const);
    await remove(configmaps, namespace, name, { propagationPolicy });
    if (propagationPolicy === 'Orphan') keep(...children, grandchild);
  }

  async function expose(): Promise<void> {
    const name = `service-${random.pick(names)}`;
    if (wanted.services.has(name)) {
      await remove(services, namespace, name);
      wanted.services.delete(name);
    } else {
      const made = objects.service(namespace, name, `deployment-${random.pick(names)}`, random);
      await create(services, made);
      wanted.services.set(name, made);
    }
  }

  async function doomedNamespace(): Promise<void> {
    const doomed = `${namespace}-doomed-${++serial}`;
    await create(namespaces, { metadata: { name: doomed }, spec: {} });
    await create(deployments, objects.deployment(doomed, 'doomed', random));
    await create(jobs, objects.job(doomed, 'doomed', random));
    await create(services, objects.service(doomed, 'doomed', 'doomed', random));
    await create(configmaps, objects.configmap(doomed, 'doomed'));
    if (random.oneIn(2)) await sleep(random.below(500));
    await remove(namespaces, '', doomed);
  }

  /** One that a Deployment, StatefulSet or DaemonSet replaces. A Job would count it as failed: right, and not to be foreseen. */
  async function deletePod(): Promise<void> {
    const { items } = await untilAnswered('list pods', () => client.resource(pods).list(namespace));
    const some = items.filter((pod) => controllerOf(pod)?.kind !== 'Job');
    const pod = some.length > 0 ? random.pick(some) : undefined;
    if (pod) await remove(pods, namespace, pod.metadata.name, random.oneIn(2) ? { gracePeriodSeconds: 0 } : {});
  }

  const actions: [number, () => Promise<void>][] = [
    [8, () => workload(deployments, wanted.deployments, (name) => objects.deployment(namespace, name, random), 'deployment')],
    [5, () => workload(statefulsets, wanted.statefulsets, (name) => objects.statefulset(namespace, name, random), 'stateful')],
    [2, daemons],
    [5, work],
    [1, scheduled],
    [3, tree],
    [3, expose],
    [1, doomedNamespace],
    [2, deletePod],
  ];
  const lots = actions.flatMap(([weight, act]) => Array.from({ length: weight }, () => act));
  for (const name of names) await create(poddisruptionbudgets, objects.budget(namespace, `deployment-${name}`));
  while (!signal.aborted) {
    await random.pick(lots)();
    wanted.writes++;
    await sleep(random.below(150), undefined, { signal }).catch(() => {});
  }
  for (const name of wanted.cronjobs.keys()) await patch(cronjobs, namespace, name, { spec: { suspend: true } });
  // What admission charged to a quota for an object that a killed server never wrote is found at the next count, minutes later without this.
  await create(configmaps, objects.configmap(namespace, 'settled'));
  await remove(configmaps, namespace, 'settled');
  return wanted;
}
