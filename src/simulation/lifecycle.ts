/** The life of a simulated pod as a state machine: level-triggered, from the pod as it stands in the API to its next step. Pure. */
import type { Pod, PodStatus } from '../api/core/v1/types.gen.ts';
import type { PodLifetime } from './model.ts';
import { type PodPlace, podStatus, readinessIsStale, type Stage } from './podstatus.ts';

/** What only this process knows of a pod, in milliseconds since the epoch: the API's times are whole seconds. */
export interface PodMemory {
  seenAt: number;
  /** When its containers were started last. */
  startedAt?: number;
  /** When its deletion was seen. */
  stoppingAt?: number;
}

export type Step = { do: 'write'; status: PodStatus; started?: true } | { do: 'delete' } | { do: 'wait'; milliseconds: number } | { do: 'nothing' };

export interface StepInput {
  pod: Pod;
  lifetime: PodLifetime;
  memory: PodMemory;
  /** Undefined while the node has no address to give. */
  place: PodPlace | undefined;
  now: number;
}

const nothing: Step = { do: 'nothing' };
/** What a process that SIGTERM ends leaves. */
const terminated = 143;
const firstBackOffMs = 10_000;
const longestBackOffMs = 300_000;

const isTerminal = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

function restarts({ spec }: Pod, exitCode: number): boolean {
  const policy = spec.restartPolicy ?? 'Always';
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

export function nextStep(input: StepInput): Step {
  const { pod, place } = input;
  if (pod.metadata.deletionTimestamp) return stopping(input);
  if (isTerminal(pod) || !place) return nothing;
  const main = pod.status?.containerStatuses?.[0];
  if (!main?.state?.running && !main?.state?.waiting?.reason?.startsWith('CrashLoop')) return starting(input, place);
  return main.state.running ? running(input, place) : backingOff(input, place);
}

const write = ({ pod, now }: StepInput, place: PodPlace, stage: Stage): Step => ({ do: 'write', status: podStatus(pod, place, stage, new Date(now)) });
const start = (input: StepInput, place: PodPlace): Step => ({ ...write(input, place, { is: 'running' }), started: true }) as Step;

/** Once `dueAt` has come, `then`; before that, wait for it. */
const when = (dueAt: number, now: number, then: () => Step): Step => (now >= dueAt ? then() : { do: 'wait', milliseconds: dueAt - now });

/** A pod with finalizers stays to be looked at: it must say how it ended. Others are gone with their last container. */
function stopping({ pod, lifetime, memory, place, now }: StepInput): Step {
  const { metadata } = pod;
  const graceMs = (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  const ended = isTerminal(pod) || pod.status?.containerStatuses === undefined;
  return when((memory.stoppingAt ?? now) + (ended ? 0 : Math.min(lifetime.stopDelayMs, graceMs)), now, () => {
    if (!ended && (metadata.finalizers?.length ?? 0) > 0 && place)
      return { do: 'write', status: podStatus(pod, place, { is: 'ended', exitCode: terminated }, new Date(now)) };
    return graceMs > 0 || !metadata.finalizers?.length ? { do: 'delete' } : nothing;
  });
}

const starting = (input: StepInput, place: PodPlace): Step => when(input.memory.seenAt + input.lifetime.startDelayMs, input.now, () => start(input, place));

function running(input: StepInput, place: PodPlace): Step {
  const { pod, lifetime, memory, now } = input;
  const startedAt = memory.startedAt ?? Date.parse(pod.status?.containerStatuses?.[0]?.state?.running?.startedAt ?? new Date(now).toISOString());
  const deadline = pod.spec.activeDeadlineSeconds;
  const deadlineAt = deadline === undefined ? Infinity : Date.parse(pod.status?.startTime ?? new Date(now).toISOString()) + deadline * 1000;
  const endsAt = lifetime.runTimeMs === undefined ? Infinity : startedAt + lifetime.runTimeMs;
  if (deadlineAt <= now && deadlineAt <= endsAt) {
    const why = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };
    return write(input, place, { is: 'ended', exitCode: terminated, why });
  }
  if (endsAt <= now) return ending(input, place);
  if (readinessIsStale(pod)) return write(input, place, { is: 'running' });
  const next = Math.min(endsAt, deadlineAt);
  return Number.isFinite(next) ? { do: 'wait', milliseconds: next - now } : nothing;
}

function ending(input: StepInput, place: PodPlace): Step {
  const { exitCode } = input.lifetime;
  if (!restarts(input.pod, exitCode)) return write(input, place, { is: 'ended', exitCode });
  return write(input, place, { is: 'backingOff', exitCode, delayMs: backOffMs(input.pod) });
}

/** Ten seconds, twice as long with every restart, five minutes at most. */
const backOffMs = ({ status }: Pod): number => Math.min(firstBackOffMs * 2 ** (status?.containerStatuses?.[0]?.restartCount ?? 0), longestBackOffMs);

function backingOff(input: StepInput, place: PodPlace): Step {
  const finished = input.pod.status?.containerStatuses?.[0]?.lastState?.terminated?.finishedAt;
  const dueAt = (finished ? Date.parse(finished) : input.now) + backOffMs(input.pod);
  return when(dueAt, input.now, () => start(input, place));
}
