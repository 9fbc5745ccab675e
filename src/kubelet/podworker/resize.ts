/**
 * In-place resize: the spec says what a container should have, the allocation what the node has granted, and the
 * actuated resources what its cgroup was last given. Source of the rule: KEP-1287.
 */
import type { Container, Pod, PodCondition, ResourceRequirements } from '../../api/core/v1/types.gen.ts';
import { canonicalQuantity } from '../../apimachinery/quantity.ts';
import type { CgroupLimits } from '../cgroups/hierarchy.ts';
import { type PodCgroups, podLimits } from '../cgroups/pods.ts';
import { linuxResources } from '../containers/resources.ts';
import { type KubeletContext, runtimeMessageOf } from '../context.ts';
import { findContainer, type RuntimePod } from '../runtime/model.ts';
import type { Kill } from './plan.ts';
import { podTarget } from './target.ts';
import { checkUsage, type Update } from './usage.ts';

const resizable = ['cpu', 'memory'] as const;

type Amounts = Record<string, string | number> | undefined;

const amount = (list: Amounts, name: string): string => (list?.[name] === undefined ? '' : canonicalQuantity(list[name]));

/** Resources of which request or limit differ. */
export const changedResources = (a: ResourceRequirements | undefined, b: ResourceRequirements | undefined): string[] =>
  resizable.filter((name) => amount(a?.requests, name) !== amount(b?.requests, name) || amount(a?.limits, name) !== amount(b?.limits, name));

/** Containers of a pod that can be resized. */
const containersOf = ({ spec }: Pod): Container[] => [...(spec.initContainers ?? []), ...spec.containers];

type Allocation = ReadonlyMap<string, ResourceRequirements | undefined>;

/** The key of what the pod as a whole has; no container is named so. */
const wholePod = '';

const specAllocation = (pod: Pod): Allocation =>
  new Map([[wholePod, pod.spec.resources], ...containersOf(pod).map(({ name, resources }) => [name, resources] as const)]);

/** What earlier kubelets granted stands in the status of what runs. */
function initialAllocation(pod: Pod): Allocation {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const allocation = new Map<string, ResourceRequirements | undefined>();
  allocation.set(wholePod, (pod.spec.resources && pod.status?.phase === 'Running' && pod.status.resources) || pod.spec.resources);
  for (const { name, resources } of containersOf(pod)) {
    const status = statuses.find((one) => one.name === name);
    const granted = status?.state?.running && status.resources;
    allocation.set(name, granted ? { ...granted, ...(status.allocatedResources ? { requests: status.allocatedResources } : {}) } : resources);
  }
  return allocation;
}

function withAllocation(pod: Pod, allocation: Allocation): Pod {
  const granted = (container: Container): Container => {
    const resources = allocation.get(container.name);
    return changedResources(container.resources, resources).length ? { ...container, ...(resources ? { resources } : {}) } : container;
  };
  const { initContainers, containers } = pod.spec;
  const whole = allocation.get(wholePod);
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...(whole ? { resources: whole } : {}),
      ...(initContainers ? { initContainers: initContainers.map(granted) } : {}),
      containers: containers.map(granted),
    },
  };
}

const differs = (pod: Pod, allocation: Allocation): boolean =>
  changedResources(pod.spec.resources, allocation.get(wholePod)).length > 0 ||
  containersOf(pod).some(({ name, resources }) => changedResources(resources, allocation.get(name)).length > 0);

/** What an event tells: the resources as they are asked for. */
function summary(pod: Pod, error?: string): string {
  const list = (containers: Container[] | undefined) => containers?.map(({ name, resources = {} }) => ({ name, resources }));
  const { initContainers, containers } = pod.spec;
  return JSON.stringify({
    ...(initContainers?.length ? { initContainers: list(initContainers) } : {}),
    containers: list(containers),
    generation: pod.metadata.generation ?? 0,
    ...(error ? { error } : {}),
  });
}

export interface ResizeRefusal {
  reason: 'Deferred' | 'Infeasible';
  message: string;
}

/** The resize of one pod. */
export class PodResizer {
  readonly #context: KubeletContext;
  readonly #actuated = new Map<string, ResourceRequirements | undefined>();
  #allocated: Allocation | undefined;
  #limits: CgroupLimits | undefined;
  #pending: (ResizeRefusal & { generation: number }) | undefined;
  #progress: { generation: number; error: string } | undefined;

  constructor(context: KubeletContext) {
    this.#context = context;
  }

  /** The pod with what it has been granted. */
  granted(pod: Pod): Pod {
    return this.#allocated && differs(pod, this.#allocated) ? withAllocation(pod, this.#allocated) : pod;
  }

  /** Grants what the spec asks for, if `fits` finds nothing against it. */
  allocate(pod: Pod, fits: (pod: Pod) => ResizeRefusal | undefined): void {
    const generation = pod.metadata.generation ?? 0;
    this.#allocated ??= initialAllocation(pod);
    if (!differs(pod, this.#allocated)) {
      this.#pending = undefined;
      return;
    }
    const { events } = this.#context;
    const refusal = fits(pod);
    if (!refusal) {
      this.#allocated = specAllocation(pod);
      this.#pending = undefined;
      this.#progress = { generation, error: '' };
      events.event(podTarget(pod), 'Normal', 'ResizeStarted', `Pod resize started: ${summary(pod)}`);
      return;
    }
    if (this.#pending?.reason !== refusal.reason || this.#pending.message !== refusal.message) {
      const { reason, message } = refusal;
      events.event(
        podTarget(pod),
        'Warning',
        reason === 'Infeasible' ? 'ResizeInfeasible' : 'ResizeDeferred',
        `Pod resize ${reason}: ${summary(pod, message)}`,
      );
    }
    this.#pending = { ...refusal, generation };
  }

  get deferred(): boolean {
    return this.#pending?.reason === 'Deferred';
  }

  /** A container was started with what its pod has been granted. */
  started(containerId: string, container: Container): void {
    this.#actuated.set(containerId, container.resources);
  }

  #actuatedOf(pod: Pod, id: string, container: Container): ResourceRequirements | undefined {
    if (this.#actuated.has(id)) return this.#actuated.get(id);
    const status = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].find(({ containerID }) =>
      containerID?.endsWith(id),
    );
    const known = status?.resources ?? container.resources;
    this.#actuated.set(id, known);
    return known;
  }

  /** For a container's status. */
  actuated(containerId: string): ResourceRequirements | undefined {
    return this.#actuated.get(containerId);
  }

  /** For the pod's status. */
  actuatedPod(): ResourceRequirements | undefined {
    return this.#actuated.get(wholePod);
  }

  /** Gives running containers of `pod` (as granted) what they lack. Returns those that have to be restarted for it. */
  async actuate(pod: Pod, runtime: RuntimePod, cgroups: PodCgroups, podPidsLimit: number): Promise<Kill[]> {
    const { cri, resources, events } = this.#context;
    const after = podLimits(pod, podPidsLimit);
    const before = this.#limits ?? after;
    this.#limits = after;
    if (!this.#actuated.has(wholePod)) this.#actuated.set(wholePod, pod.spec.resources);
    const ofPod = changedResources(this.#actuated.get(wholePod), pod.spec.resources);
    const restart: Kill[] = [];
    const updates: Update[] = [];
    for (const container of containersOf(pod)) {
      const current = findContainer(runtime, container.name);
      if (current?.state !== 'running') continue;
      const own = changedResources(this.#actuatedOf(pod, current.id, container), container.resources);
      // What a container has no limit for is limited by its pod.
      const changed = [...own, ...ofPod.filter((name) => container.resources?.limits?.[name] === undefined)];
      if (changed.length === 0) continue;
      const restarts = container.resizePolicy?.some(
        ({ resourceName, restartPolicy }) => changed.includes(resourceName) && restartPolicy === 'RestartContainer',
      );
      if (restarts) restart.push({ container: current, reason: 'resize', message: `Container ${container.name} resize requires restart` });
      else updates.push({ id: current.id, container, before: this.#actuatedOf(pod, current.id, container) });
    }
    const group = (limits: CgroupLimits): Promise<void> => cgroups.hierarchy.ensure(cgroups.path(pod), limits);
    try {
      await checkUsage(this.#context, cgroups, pod, before, after, updates);
      if (updates.length || restart.length || ofPod.length) await group(larger(before, after));
      for (const { id, container } of updates) {
        await cri.updateContainerResources(id, linuxResources(pod, container, resources.memory, resources.hugePageSizes));
        this.#actuated.set(id, container.resources);
      }
      if (restart.length === 0 && (updates.length || ofPod.length || this.#progress)) await group(after);
      this.#actuated.set(wholePod, pod.spec.resources);
    } catch (error) {
      const message = runtimeMessageOf(error);
      if (this.#progress && this.#progress.error !== message)
        events.event(podTarget(pod), 'Warning', 'ResizeError', `Pod resize error: ${summary(pod, message)}`);
      this.#progress = { generation: this.#progress?.generation ?? pod.metadata.generation ?? 0, error: message };
      this.#limits = before;
      throw error;
    }
    if (restart.length === 0 && this.#progress) {
      this.#progress = undefined;
      events.event(podTarget(pod), 'Normal', 'ResizeCompleted', `Pod resize completed: ${summary(pod)}`);
    }
    return restart;
  }

  conditions(previous: readonly PodCondition[], now: string): PodCondition[] {
    const condition = (type: string, generation: number, reason: string, message: string): PodCondition => {
      const old = previous.find((one) => one.type === type);
      return {
        type,
        status: 'True',
        lastTransitionTime: old?.lastTransitionTime ?? now,
        observedGeneration: generation,
        ...(reason ? { reason } : {}),
        ...(message ? { message } : {}),
      };
    };
    return [
      ...(this.#pending ? [condition('PodResizePending', this.#pending.generation, this.#pending.reason, this.#pending.message)] : []),
      ...(this.#progress ? [condition('PodResizeInProgress', this.#progress.generation, this.#progress.error ? 'Error' : '', this.#progress.error)] : []),
    ];
  }
}

/** Of each limit the larger one, so that containers fit before and after; no limit at all is the largest. */
function larger(a: CgroupLimits, b: CgroupLimits): CgroupLimits {
  const most = (x: number | undefined, y: number | undefined): number | undefined => (x === undefined || y === undefined ? undefined : Math.max(x, y));
  const cpuQuota = most(a.cpuQuota, b.cpuQuota);
  const memory = most(a.memory, b.memory);
  return {
    cpuShares: Math.max(a.cpuShares ?? 0, b.cpuShares ?? 0),
    ...(cpuQuota === undefined ? {} : { cpuQuota }),
    ...(memory === undefined ? {} : { memory }),
  };
}
