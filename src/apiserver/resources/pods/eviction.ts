/** `pods/eviction`: a deletion that asks the pod's disruption budget first. Source of the rules: upstream's pod registry. */

import { isPodReady, isPodTerminal, setPodCondition } from '../../../api/core/v1/pod/conditions.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import type { Pod } from '../../../api/core/v1/types.gen.ts';
import { poddisruptionbudgets } from '../../../api/policy/v1/poddisruptionbudget.ts';
import type { Eviction, PodDisruptionBudget } from '../../../api/policy/v1/types.gen.ts';
import { badRequest, conflict, forbidden, isConflict, notFound, StatusError, tooManyRequests } from '../../../apimachinery/errors.ts';
import { timeOf } from '../../../apimachinery/meta.ts';
import { labelSelectorMatcher, SelectorError } from '../../../apimachinery/selectors.ts';
import type { CustomRequest } from '../../contracts.ts';
import { deleteObject } from '../../storage/delete.ts';
import { servedObject } from '../../storage/objects.ts';
import type { DeleteOptions } from '../../storage/options.ts';
import { parseDeleteOptions } from '../../storage/options.ts';
import { rawUpdate } from '../../storage/raw.ts';
import { keyFor } from '../../storage/types.ts';
import { readCurrent } from '../../storage/update.ts';
import type { Success, TargetHandler } from '../../verbs/custom.ts';
import { success } from '../../verbs/custom.ts';
import type { Target } from '../../verbs/target.ts';

/** Pods that a budget may count as going; more means that its controller is not running. */
const maxDisruptedPods = 2000;
const maxAttempts = 20;
const budgetCause = 'DisruptionBudget';

async function evict(request: CustomRequest<Eviction>, target: Target): Promise<Success> {
  const { body, name, namespace, now } = request;
  if (body.metadata.name !== name) throw badRequest('name in URL does not match name in Eviction object');
  const options = optionsOf(request);
  for (let attempt = 1; ; attempt++) {
    const pod = await podOf(target, namespace, name);
    if (!ignoresBudgets(pod)) {
      const unhealthyOf = await askBudget(target, pod, now, options.dryRun);
      await removePod(target, request, unhealthyOf === undefined ? options : pinned(options, pod), (error) => {
        if (unhealthyOf !== undefined && isConflict(error) && options.preconditions?.resourceVersion === undefined) throw stillProcessed(unhealthyOf);
        throw error;
      });
      return success(201);
    }
    const pin = !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined && options.preconditions?.resourceVersion === undefined;
    try {
      await removePod(target, request, pin ? pinned(options, pod) : options, (error) => {
        throw error;
      });
      return success(201);
    } catch (error) {
      if (!isConflict(error) || !pin || attempt === maxAttempts) throw error;
    }
  }
}

/** Dry run may be asked for in the query and in the options that the body carries; both must say the same. */
function optionsOf({ body, dryRun }: CustomRequest<Eviction>): DeleteOptions {
  const inner = body.deleteOptions;
  const options = parseDeleteOptions(new URLSearchParams(), { ...inner });
  options.dryRun ||= dryRun;
  return options;
}

const pinned = (options: DeleteOptions, pod: Pod): DeleteOptions => ({
  ...options,
  preconditions: { ...options.preconditions, resourceVersion: pod.metadata.resourceVersion as string },
});

async function podOf({ storage }: Target, namespace: string, name: string): Promise<Pod> {
  const resource = storage.registry.of(pods);
  const entry = await readCurrent(storage, { resource }, keyFor(resource, namespace, name));
  if (!entry) throw notFound(resource.groupResource, name);
  return servedObject(resource, entry) as unknown as Pod;
}

/** Pods that run nothing (yet, or any more) disturb nobody. */
const ignoresBudgets = (pod: Pod): boolean => isPodTerminal(pod) || pod.status?.phase === 'Pending' || pod.metadata.deletionTimestamp !== undefined;

/** Takes one disruption from the pod's budget, or fails with 429. Gives the budget's name when it costs none, as long as the pod stays unready. */
async function askBudget(target: Target, pod: Pod, now: Date, dryRun: boolean): Promise<string | undefined> {
  const budgets = budgetsOf(target, pod);
  if (budgets.length > 1) {
    throw new StatusError(500, '', 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.');
  }
  const [budget] = budgets;
  if (!budget) return undefined;
  if (!isPodReady(pod)) {
    const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
    const enough = currentHealthy >= desiredHealthy && desiredHealthy > 0;
    if (enough || budget.spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return budget.metadata.name;
  }
  const { storage } = target;
  await rawUpdate(storage, storage.registry.of(poddisruptionbudgets), {
    namespace: pod.metadata.namespace as string,
    name: budget.metadata.name,
    dryRun,
    change: (object) => takeDisruption(object as unknown as PodDisruptionBudget, pod.metadata.name, now),
  });
  return undefined;
}

function budgetsOf({ storage }: Target, pod: Pod): PodDisruptionBudget[] {
  const resource = storage.registry.of(poddisruptionbudgets);
  const { cache } = resource.stored;
  const found: PodDisruptionBudget[] = [];
  for (const entry of cache.sorted.range(`${cache.prefix}${pod.metadata.namespace}/`)) {
    const budget = storage.cacher.decoded.of(entry) as unknown as PodDisruptionBudget;
    if (matches(budget, pod)) found.push(budget);
  }
  return found;
}

function matches({ spec }: PodDisruptionBudget, { metadata }: Pod): boolean {
  try {
    return labelSelectorMatcher(spec?.selector).matches(metadata.labels ?? {});
  } catch (error) {
    // A selector that cannot be read selects nothing.
    if (error instanceof SelectorError) return false;
    throw error;
  }
}

function takeDisruption(budget: PodDisruptionBudget, podName: string, now: Date): void {
  const { name, generation = 0 } = budget.metadata;
  budget.status ??= {};
  const { status } = budget;
  const of = { group: 'policy', resource: 'poddisruptionbudget' };
  const allowed = status.disruptionsAllowed ?? 0;
  if ((status.observedGeneration ?? 0) < generation) throw stillProcessed(name);
  if (allowed < 0) throw forbidden(of, name, 'pdb disruptions allowed is negative');
  if (Object.keys(status.disruptedPods ?? {}).length > maxDisruptedPods) {
    throw forbidden(of, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  }
  if (allowed === 0) throw refused(budget);
  status.disruptionsAllowed = allowed - 1;
  if (allowed === 1) forbidMore(budget, now);
  status.disruptedPods = { ...status.disruptedPods, [podName]: timeOf(now) };
}

/** The budget's condition says that it is used up, until its controller counts again. */
function forbidMore({ metadata, status }: PodDisruptionBudget, now: Date): void {
  const conditions = status?.conditions ?? [];
  const condition = conditions.find(({ type }) => type === 'DisruptionAllowed');
  if (!condition || condition.status === 'False') return;
  condition.status = 'False';
  condition.reason = 'InsufficientPods';
  condition.message = '';
  condition.lastTransitionTime = timeOf(now);
  condition.observedGeneration = metadata.generation ?? 0;
}

const refusal = "Cannot evict pod as it would violate the pod's disruption budget.";

function refusedBecause(message: string, retryAfterSeconds: number): StatusError {
  const error = tooManyRequests(refusal, retryAfterSeconds);
  error.status.details = { ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}), causes: [{ reason: budgetCause, message }] };
  return error;
}

const stillProcessed = (name: string): StatusError => refusedBecause(`The disruption budget ${name} is still being processed by the server.`, 10);

function refused({ metadata: { name }, status }: PodDisruptionBudget): StatusError {
  const { currentHealthy = 0, desiredHealthy = 0, conditions = [] } = status ?? {};
  const condition = conditions.find(({ type }) => type === 'DisruptionAllowed');
  const denied = condition?.status === 'False' && condition.message !== '' ? condition : undefined;
  if (denied?.reason === 'SyncFailed') {
    return refusedBecause(`The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${denied.message}`, 0);
  }
  if (currentHealthy <= desiredHealthy) {
    return refusedBecause(`The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`, 0);
  }
  if (denied) return refusedBecause(`The disruption budget ${name} does not allow evicting pods currently (${denied.reason}): ${denied.message}`, 0);
  return refusedBecause(`The disruption budget ${name} does not allow evicting pods currently`, 0);
}

function checkPreconditions({ name, uid, resourceVersion }: Pod['metadata'], wanted: DeleteOptions['preconditions']): void {
  const of = { group: '', resource: 'Pod' };
  if (wanted?.uid && wanted.uid !== uid) {
    const why = `the UID in the precondition (${wanted.uid}) does not match the UID in record (${uid})`;
    throw conflict(of, name, `${why}. The object might have been deleted and then recreated`);
  }
  if (wanted?.resourceVersion && wanted.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${wanted.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion})`;
    throw conflict(of, name, `${why}. The object might have been modified`);
  }
}

/** Says in the pod why it goes, then deletes it. */
async function removePod(target: Target, request: CustomRequest, options: DeleteOptions, failed: (error: unknown) => never): Promise<void> {
  const { context, storage } = target;
  const resource = storage.registry.of(pods);
  const { namespace, name, now } = request;
  try {
    let { preconditions } = options;
    if (!options.dryRun) {
      const pod = await rawUpdate(storage, resource, {
        namespace,
        name,
        change(object) {
          const { status = {}, metadata } = object as unknown as Pod;
          checkPreconditions(metadata, preconditions);
          object['status'] = status;
          return setPodCondition(status, { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' }, now);
        },
      });
      if (preconditions?.resourceVersion !== undefined) preconditions = { ...preconditions, resourceVersion: pod.metadata.resourceVersion as string };
    }
    const write = {
      context,
      resource,
      namespace,
      name,
      subresource: '',
      options: { dryRun: options.dryRun, fieldManager: '', fieldValidation: 'Ignore' as const, force: undefined },
      admissionOptions: {},
      fieldManager: '',
    };
    await deleteObject({ ...storage, admission: [] }, write, { ...options, preconditions });
  } catch (error) {
    failed(error);
  }
}

export const evictionHandler: TargetHandler = {
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: 'eviction',
  verb: 'create',
  consumes: true,
  handle: evict,
};
