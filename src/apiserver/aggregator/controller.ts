/** Keeps APIService objects: one for each group version that is served here, and the availability of those that others serve. */
import { apiservices } from '../../api/apiregistration/v1/apiservice.ts';
import type { APIService, APIServiceCondition } from '../../api/apiregistration/v1/types.gen.ts';
import { deepEqual } from '../../apimachinery/equality.ts';
import { isAlreadyExists, isNotFound, StatusError } from '../../apimachinery/errors.ts';
import { apiVersionOf, timeOf } from '../../apimachinery/meta.ts';
import type { Client } from '../../client/client.ts';
import type { ServerCore } from '../core.ts';
import type { RemoteVersion } from '../discovery/documents.ts';
import { rawUpdate } from '../storage/raw.ts';
import type { AggregatorOptions } from './aggregator.ts';
import { createAsk } from './ask.ts';
import { createDescriber } from './openapi.ts';

const automanagedLabel = 'kube-aggregator.kubernetes.io/automanaged';
const checkMs = 30_000;
const gatherMs = 50;

interface ListedResource {
  name: string;
  singularName: string;
  namespaced: boolean;
  kind: string;
  group?: string;
  version?: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
}

/** A plain list of resources as aggregated discovery shows them. */
export function discovered(resources: readonly ListedResource[]): unknown[] {
  const own = resources.filter(({ name }) => !name.includes('/'));
  return own.map(({ name, singularName, namespaced, kind, verbs, shortNames, categories }) => {
    const subresources = resources
      .filter((other) => other.name.startsWith(`${name}/`))
      .map((other) => ({
        subresource: other.name.slice(name.length + 1),
        responseKind: { group: other.group ?? '', version: other.version ?? '', kind: other.kind },
        verbs: other.verbs,
      }));
    return {
      resource: name,
      responseKind: { group: '', version: '', kind },
      scope: namespaced ? 'Namespaced' : 'Cluster',
      singularResource: singularName,
      verbs,
      ...(shortNames?.length ? { shortNames } : {}),
      ...(categories?.length ? { categories } : {}),
      ...(subresources.length > 0 ? { subresources } : {}),
    };
  });
}

export interface Aggregation {
  start(): void;
  stop(): void;
}

export function createAggregation(core: ServerCore, client: Client, options: AggregatorOptions): Aggregation {
  const { registry, reader, log, storage, discovery } = core;
  const ask = createAsk(core, options);
  const describe = createDescriber(ask);
  const services = client.resource(apiservices);
  const builtin = new Set(Array.from(registry.all(), ({ apiVersion }) => apiVersion));
  let timer: NodeJS.Timeout | undefined;
  let plannedAt = Number.POSITIVE_INFINITY;
  let stopped = false;
  let work: Promise<void> = Promise.resolve();

  /** The sooner of what is planned and what is asked for. */
  function schedule(milliseconds: number): void {
    const due = performance.now() + milliseconds;
    if (stopped || due >= plannedAt) return;
    plannedAt = due;
    clearTimeout(timer);
    timer = setTimeout(() => {
      plannedAt = Number.POSITIVE_INFINITY;
      work = work.then(reconcile).catch((error: unknown) => {
        if (!stopped) log?.warn({ err: error }, 'APIServices could not be reconciled');
        schedule(1000);
      });
    }, milliseconds);
    timer.unref();
  }

  async function reconcile(): Promise<void> {
    const all = await reader.list<APIService>(apiservices);
    await ensureLocal(all);
    const remote = all.filter(({ spec, metadata }) => spec?.service && metadata.deletionTimestamp === undefined);
    discovery.setRemote((await Promise.all(remote.map(check))).filter((one) => one !== undefined));
    schedule(checkMs);
  }

  async function ensureLocal(all: readonly APIService[]): Promise<void> {
    const known = new Map(all.map((service) => [service.metadata.name, service]));
    const wanted = new Set<string>();
    const groups: string[] = [];
    const versions = new Map<string, string[]>();
    for (const { definition } of registry.all()) {
      const { group, version } = definition;
      if (!versions.has(group)) groups.push(group);
      const list = versions.get(group) ?? [];
      if (!list.includes(version)) versions.set(group, [...list, version]);
    }
    for (const [order, group] of groups.entries()) {
      const list = versions.get(group) as string[];
      for (const [index, version] of list.entries()) {
        const name = `${version}.${group}`;
        wanted.add(name);
        if (known.has(name)) continue;
        const isBuiltin = builtin.has(apiVersionOf(group, version));
        const priorities = isBuiltin
          ? { groupPriorityMinimum: Math.max(2000, 18_000 - order * 100), versionPriority: 15 + (list.length - 1 - index) * 5 }
          : { groupPriorityMinimum: 1000, versionPriority: 100 - index };
        await services
          .create({ metadata: { name, labels: { [automanagedLabel]: isBuiltin ? 'onstart' : 'true' } }, spec: { group, version, ...priorities } })
          .catch((error: unknown) => {
            if (!isAlreadyExists(error)) throw error;
          });
      }
    }
    for (const { metadata, spec } of all) {
      if (spec?.service) continue;
      if (!wanted.has(metadata.name) && metadata.labels?.[automanagedLabel] !== undefined) {
        await services.delete('', metadata.name).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      }
    }
  }

  async function setAvailable(name: string, condition: Omit<APIServiceCondition, 'type' | 'lastTransitionTime'>): Promise<void> {
    try {
      await rawUpdate(storage, registry.of(apiservices), {
        namespace: '',
        name,
        change(object) {
          const service = object as unknown as APIService;
          const conditions = service.status?.conditions ?? [];
          const there = conditions.find(({ type }) => type === 'Available');
          const lastTransitionTime = there?.status === condition.status ? there.lastTransitionTime : timeOf(new Date());
          const next = { type: 'Available', ...condition, lastTransitionTime };
          if (there && deepEqual(there, next)) return false;
          service.status = { ...service.status, conditions: [...conditions.filter(({ type }) => type !== 'Available'), next] as APIServiceCondition[] };
          return true;
        },
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Asks the other server what it serves, which also tells whether it can be reached. */
  async function check(service: APIService): Promise<RemoteVersion | undefined> {
    const { group = '', version = '' } = service.spec ?? {};
    try {
      const list = (await ask(service, `/apis/${group}/${version}`)).body as { resources?: ListedResource[] };
      await setAvailable(service.metadata.name, { status: 'True', reason: 'Passed', message: 'all checks passed' });
      return { group, version, resources: discovered(list.resources ?? []), freshness: 'Current', openapi: await describe(service) };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const missing = error instanceof StatusError && error.code === 404;
      const reason = missing ? 'ServiceNotFound' : error instanceof StatusError ? 'MissingEndpoints' : 'FailedDiscoveryCheck';
      const name = `service/${service.spec?.service?.name} in ${JSON.stringify(service.spec?.service?.namespace)}`;
      await setAvailable(service.metadata.name, { status: 'False', reason, message: missing ? `${name} is not present` : message });
      schedule(1000);
      return { group, version, resources: [], freshness: 'Stale' };
    }
  }

  return {
    start() {
      registry.onChange(() => schedule(gatherMs));
      reader.onChange<APIService>(apiservices, (_type, { spec }) => {
        if (spec?.service) schedule(gatherMs);
      });
      schedule(0);
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
