/**
 * One worker per pod: a level-triggered loop that compares the pod as it should be with what the runtime has, takes the
 * next step and reports. States: `syncing` (it lives), `terminating` (its containers are being ended), `terminated`
 * (volumes and cgroups go, the last status is reported), `finished` (nothing is left of it).
 */
import type { Pod, PodStatus } from '../../api/core/v1/types.gen.ts';
import { semanticEqual } from '../../apimachinery/equality.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { containerNamed } from '../containers/resources.ts';
import { messageOf } from '../context.ts';
import type { ProbeManager } from '../probes/manager.ts';
import { type RuntimePod, runningContainers } from '../runtime/model.ts';
import type { StatusManager } from '../status/manager.ts';
import { isTerminalPhase } from '../status/phase.ts';
import { finalStatus, rejectedStatus } from '../status/pod.ts';
import { VolumeError } from '../volumes/manager.ts';
import { deadlineExceeded, deadlineOf } from './deadline.ts';
import { forgetPod } from './forget.ts';
import { killPod } from './kill.ts';
import { planPod } from './plan.ts';
import { nextLook } from './quicklook.ts';
import { composeStatus, type Eviction, onlyStatusDiffers } from './report.ts';
import { PodResizer, type ResizeRefusal } from './resize.ts';
import { restartsAll } from './restart.ts';
import { allBack, removeAllContainers } from './restartall.ts';
import { carryOut, factsOf, type Postponed, type SyncParts } from './sync.ts';
import { podTarget } from './target.ts';

export interface WorkerParts extends SyncParts {
  statuses: StatusManager;
  probes: ProbeManager;
  /** Undefined when the node can give a pod what it asks for now. */
  admitResize(pod: Pod): ResizeRefusal | undefined;
  /** Undefined when the node takes the pod. */
  admit(pod: Pod): { reason: string; message: string } | undefined;
  /** Ends pods that have to make room for that one; resolves to whether there were any. */
  makeRoom(pod: Pod): Promise<boolean>;
  /** The runtime tells of changes by itself. */
  evented(): boolean;
  finished(uid: string): void;
}

type State = 'syncing' | 'terminating' | 'terminated' | 'finished';

/** A step that takes longer does not keep what changes meanwhile from being reported. */
const longMs = 2_000;
const errorDelayMs = { first: 100, last: 10_000 };

export class PodWorker {
  readonly uid: string;
  readonly #parts: WorkerParts;
  readonly #failures = new Map<string, Postponed>();
  readonly #syncing = new AbortController();
  readonly #resizer: PodResizer;
  readonly #ended = Promise.withResolvers<void>();
  #pod: Pod;
  #state: State = 'syncing';
  #admitted = false;
  #rejected = false;
  /** Gone from the API: nobody is told any more. */
  #removed = false;
  #cgroup = false;
  #dirty = false;
  #loop: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #errors = 0;
  #evicted: Eviction | undefined;
  /** Something under way may take long: a pull, a hook. */
  #busySince: number | undefined;
  #killing: { hasten: AbortController; grace: number } | undefined;
  #cleaned = false;
  /** All containers are on their way out and in again. */
  #startingOver = false;

  constructor(pod: Pod, parts: WorkerParts) {
    this.uid = pod.metadata.uid ?? '';
    this.#pod = pod;
    this.#parts = parts;
    this.#resizer = new PodResizer(parts.context);
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** With the resources that the node has granted. */
  get granted(): Pod {
    return this.#resizer.granted(this.#pod);
  }

  /** It waits for resources that others may give up. */
  get deferred(): boolean {
    return this.#resizer.deferred;
  }

  get state(): State {
    return this.#state;
  }

  /** The pod holds resources of the node: it counts at admission. */
  get active(): boolean {
    return this.#admitted && !this.#rejected && (this.#state === 'syncing' || this.#state === 'terminating');
  }

  /** The API has forgotten it, by force it may be: what it still holds is nobody's business but ours. */
  get removed(): boolean {
    return this.#removed;
  }

  /** Resolves when nothing of the pod runs, and its volumes are gone. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** The API has a newer form of the pod. */
  update(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    if (!semanticEqual(before.metadata.labels, pod.metadata.labels) || !semanticEqual(before.metadata.annotations, pod.metadata.annotations))
      this.#parts.volumes.invalidate(this.uid);
    if (pod.metadata.deletionTimestamp) this.#hastenTo(pod.metadata.deletionGracePeriodSeconds ?? 0);
    if (onlyStatusDiffers(before, pod)) return;
    this.wake();
  }

  /** The API does not have the pod any more. */
  remove(): void {
    this.#removed = true;
    this.#hastenTo(this.#pod.metadata.deletionGracePeriodSeconds ?? this.#pod.spec.terminationGracePeriodSeconds ?? 30);
    this.wake();
  }

  /** Ends the pod for a reason of the node's own; its phase becomes Failed. */
  evict(eviction: Eviction): void {
    this.#evicted ??= eviction;
    this.#syncing.abort();
    this.wake();
  }

  /** What the pod refers to has changed: volumes are written again, and what failed is tried at once. */
  retry(): void {
    for (const failure of this.#failures.values()) if (failure.reason !== 'CrashLoopBackOff') failure.until = 0;
    this.#parts.volumes.invalidate(this.uid);
    this.wake();
  }

  /** Something about the pod may have changed: look. */
  wake(): void {
    if (this.#state === 'finished') return;
    this.#dirty = true;
    const long = this.#busySince !== undefined && Date.now() - this.#busySince > longMs;
    if (this.#killing || long) void this.#reportMeanwhile();
    this.#loop ??= this.#run();
  }

  /** Ends the loop without touching the pod. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#dirty = false;
    if (this.#state === 'syncing') this.#syncing.abort();
    this.#state = 'finished';
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    while (this.#dirty && !this.#parts.context.signal.aborted && this.#state !== 'finished') {
      this.#dirty = false;
      try {
        const retryAt = await this.#step();
        this.#errors = 0;
        this.#sleepUntil(retryAt);
      } catch (error) {
        if (this.#parts.context.signal.aborted) break;
        const volumes = error instanceof VolumeError;
        const delay = Math.min(errorDelayMs.first * 2 ** this.#errors++, errorDelayMs.last);
        this.#parts.context.log.warn(
          { pod: keyOf(this.#pod), uid: this.uid, err: messageOf(error), state: this.#state },
          volumes ? 'volumes of a pod are not ready' : 'syncing a pod failed',
        );
        this.#sleepUntil(Date.now() + delay);
      }
    }
    this.#loop = undefined;
  }

  #sleepUntil(time: number | undefined): void {
    clearTimeout(this.#timer);
    if (this.#state === 'finished' || (this.#state === 'terminated' && time === undefined)) return;
    const latest = Date.now() + this.#parts.context.config.syncFrequency * (0.9 + Math.random() * 0.2);
    this.#timer = setTimeout(() => this.wake(), Math.max(1, Math.min(time ?? latest, latest) - Date.now()));
  }

  async #step(): Promise<number | undefined> {
    if (this.#state === 'syncing' && (this.#pod.metadata.deletionTimestamp || this.#removed || this.#evicted)) this.#state = 'terminating';
    if (this.#state === 'syncing') return this.#sync();
    if (this.#state === 'terminating') await this.#terminate();
    if (this.#state === 'terminated') await this.#finish();
    return undefined;
  }

  #status(runtime: RuntimePod, terminal: boolean): PodStatus {
    const facts = { pod: this.#pod, runtime, terminal, failures: this.#failures, resizer: this.#resizer, startingOver: this.#startingOver };
    return composeStatus(this.#parts, { ...facts, ...(this.#evicted ? { evicted: this.#evicted } : {}) });
  }

  #report(status: PodStatus): void {
    if (!this.#removed) this.#parts.statuses.set(this.#pod, status);
  }

  async #admit(runtime: RuntimePod): Promise<boolean> {
    if (this.#admitted) return true;
    const { context, admit, makeRoom } = this.#parts;
    // One that was taken before this kubelet started stays, whatever the node has become since.
    const known = runtime.sandboxes.length > 0 || this.#pod.status?.startTime !== undefined || isTerminalPhase(this.#pod.status?.phase);
    const unallotted = await this.#allot(runtime);
    let refusal = unallotted ?? (known ? undefined : admit(this.#pod));
    if (refusal && !unallotted && (await makeRoom(this.#pod))) refusal = admit(this.#pod);
    this.#admitted = true;
    if (!refusal) return true;
    context.allocations.release(this.uid);
    const { reason, message } = refusal;
    context.meters.count('admission_rejections_total', { reason });
    context.events.event(podTarget(this.#pod), 'Warning', reason, message);
    this.#rejected = true;
    this.#report(rejectedStatus(this.#pod, refusal, context.now()));
    this.#state = 'terminated';
    return false;
  }

  /** Devices, CPUs and memory of its own, as before where it has them; a pod that runs keeps running without. */
  async #allot(runtime: RuntimePod): Promise<{ reason: string; message: string } | undefined> {
    if (isTerminalPhase(this.#pod.status?.phase)) return undefined;
    const refusal = await this.#parts.context.allocations.allocate(this.#pod);
    if (!refusal || runningContainers(runtime).length === 0) return refusal;
    this.#parts.context.log.warn({ pod: keyOf(this.#pod), ...refusal }, 'a pod that runs lacks resources of its own');
    return undefined;
  }

  async #sync(): Promise<number | undefined> {
    const { context, cache, cgroups, probes, statuses, volumes } = this.#parts;
    const runtime = await cache.get(this.uid);
    if (!(await this.#admit(runtime))) {
      this.#dirty = true;
      return undefined;
    }
    this.#resizer.allocate(this.#pod, this.#parts.admitResize);
    const pod = this.granted;
    const deadline = deadlineOf(pod, statuses.get(this.uid));
    if (deadline !== undefined && Date.now() >= deadline && !this.#evicted && !isTerminalPhase(pod.status?.phase)) {
      this.#evicted = deadlineExceeded;
      context.events.event(podTarget(pod), 'Normal', 'DeadlineExceeded', deadlineExceeded.message);
    }
    probes.sync(pod, runtime);
    const status = this.#status(runtime, false);
    this.#report(status);
    if (isTerminalPhase(status.phase)) {
      this.#state = 'terminating';
      this.#dirty = true;
      return undefined;
    }
    if (this.#startingOver || restartsAll(pod, runtime)) {
      this.#startingOver = !allBack(pod, runtime) || restartsAll(pod, runtime);
      if (restartsAll(pod, runtime)) {
        this.#report(this.#status(runtime, false));
        await removeAllContainers(context, pod, runtime);
        this.#dirty = true;
        return undefined;
      }
    }
    if (!this.#cgroup) {
      await cgroups.ensure(pod, context.allocations.unthrottled(pod));
      this.#cgroup = true;
    }
    if (!volumes.isFresh(this.uid)) await volumes.setUp(pod, factsOf(context, pod, runtime));
    const plan = planPod(pod, runtime, probes.verdicts(this.uid));
    for (const kill of await this.#resizer.actuate(pod, runtime, cgroups, context.config.podPidsLimit)) {
      const container = containerNamed(pod, kill.container.name);
      if (!container || plan.killPod || plan.kill.some((other) => other.container.id === kill.container.id)) continue;
      plan.kill.push(kill);
      plan.start.push(container);
    }
    this.#busySince = Date.now();
    const { acted, started, retryAt } = await carryOut(this.#parts, pod, runtime, plan, this.#failures, this.#syncing.signal).finally(() => {
      this.#busySince = undefined;
    });
    for (const { id, container } of started) this.#resizer.started(id, container);
    if (acted) this.#dirty = true;
    else {
      probes.sync(pod, runtime);
      this.#report(this.#status(runtime, false));
    }
    const refresh = volumes.nextRefresh(this.uid);
    if (refresh !== undefined && refresh <= Date.now()) volumes.invalidate(this.uid);
    const look = acted || this.#parts.evented() ? undefined : nextLook(pod, runtime, Date.now());
    const times = [look, retryAt, deadlineOf(pod, statuses.get(this.uid)), refresh].filter((time) => time !== undefined);
    return times.length ? Math.min(...times) : undefined;
  }

  #graceSeconds(): number | undefined {
    if (!this.#removed) return this.#evicted?.grace;
    return Math.max(1, this.#pod.metadata.deletionGracePeriodSeconds ?? this.#pod.spec.terminationGracePeriodSeconds ?? 30);
  }

  /** A shorter grace period counts at once, also for containers that are being stopped. */
  #hastenTo(grace: number): void {
    this.#syncing.abort();
    if (this.#killing && grace < this.#killing.grace) {
      this.#killing.grace = grace;
      this.#killing.hasten.abort();
    }
  }

  async #reportMeanwhile(): Promise<void> {
    try {
      const runtime = await this.#parts.cache.get(this.uid);
      if (this.#state === 'terminating' || this.#state === 'syncing') this.#report(this.#status(runtime, false));
    } catch (error) {
      this.#parts.context.log.debug({ pod: keyOf(this.#pod), err: messageOf(error) }, 'a pod could not be looked at');
    }
  }

  async #terminate(): Promise<void> {
    const { context, cache, probes } = this.#parts;
    let runtime = await cache.get(this.uid);
    probes.terminating(this.uid);
    this.#report(this.#status(runtime, false));
    const grace = this.#graceSeconds();
    for (let again = false; ; again = true) {
      const hasten = new AbortController();
      this.#killing = { hasten, grace: grace ?? this.#pod.metadata.deletionGracePeriodSeconds ?? this.#pod.spec.terminationGracePeriodSeconds ?? 30 };
      const options = { ...(grace === undefined ? {} : { grace }), hastened: hasten.signal, again };
      // A call that waits for the old grace period goes on in the runtime; the newer one with the shorter period ends it.
      await Promise.race([
        killPod(context, this.#pod, runtime, options),
        new Promise<void>((resolve) => hasten.signal.addEventListener('abort', () => resolve(), { once: true })),
      ]).finally(() => {
        this.#killing = undefined;
      });
      runtime = await cache.get(this.uid);
      if (!hasten.signal.aborted) break;
    }
    const left = runningContainers(runtime);
    if (left.length) throw new Error(`detected running containers after KillPod: ${left.map(({ name }) => name).join(', ')}`);
    // Before anybody is told that the pod has ended: others may get what it had from then on.
    await context.claims.unprepare(this.uid);
    this.#report(this.#status(runtime, true));
    probes.remove(this.uid);
    this.#state = 'terminated';
  }

  async #finish(): Promise<void> {
    const { cgroups, volumes, statuses, cache } = this.#parts;
    if (!this.#cleaned) {
      await volumes.tearDown(this.uid);
      await cgroups.remove(this.uid);
      this.#cleaned = true;
      this.#ended.resolve();
      if (!this.#rejected) this.#report(finalStatus(this.#pod, this.#status(await cache.get(this.uid), true)));
    }
    this.#parts.context.allocations.release(this.uid);
    if (!this.#removed) {
      statuses.finish(this.#pod);
      return;
    }
    await this.#forget();
  }

  async #forget(): Promise<void> {
    await forgetPod(this.#parts, this.#pod, this.uid);
    this.#state = 'finished';
    clearTimeout(this.#timer);
    this.#parts.finished(this.uid);
  }
}
