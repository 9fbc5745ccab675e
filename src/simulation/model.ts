/** How long simulated pods take: the defaults of the simulation, and what a pod's annotations say instead. */
import type { Pod } from '../api/core/v1/types.gen.ts';
import { parseDuration } from '../apimachinery/duration.ts';
import { controllerOf } from '../apimachinery/meta.ts';

/** Annotations of pods; durations as Go writes them (`1.5s`). One that can't be read counts as absent. */
const startDelayAnnotation = 'knarr.dev/start-delay';
const runTimeAnnotation = 'knarr.dev/run-time';
const exitCodeAnnotation = 'knarr.dev/exit-code';
const stopDelayAnnotation = 'knarr.dev/stop-delay';

/** All times are milliseconds. */
export interface LifetimeModel {
  /** From bound to Running and ready. */
  startDelayMs: number;
  /** How long the containers of a Job's pod run; those of other pods run until somebody ends them. */
  jobRunTimeMs: number;
  /** From the request to delete to the end; never longer than the grace period. */
  stopDelayMs: number;
}

export const defaultLifetime: LifetimeModel = { startDelayMs: 0, jobRunTimeMs: 1_000, stopDelayMs: 0 };

export interface PodLifetime {
  startDelayMs: number;
  /** Absent: until somebody ends them. */
  runTimeMs?: number;
  exitCode: number;
  stopDelayMs: number;
}

function duration(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    return Math.max(0, parseDuration(text));
  } catch {
    return undefined;
  }
}

export function lifetimeOf(pod: Pod, model: LifetimeModel): PodLifetime {
  const annotations = pod.metadata.annotations ?? {};
  const exitCode = Number(annotations[exitCodeAnnotation] ?? 0);
  const runTimeMs = duration(annotations[runTimeAnnotation]) ?? (controllerOf(pod)?.kind === 'Job' ? model.jobRunTimeMs : undefined);
  return {
    startDelayMs: duration(annotations[startDelayAnnotation]) ?? model.startDelayMs,
    ...(runTimeMs === undefined ? {} : { runTimeMs }),
    exitCode: Number.isInteger(exitCode) && exitCode >= 0 && exitCode <= 255 ? exitCode : 0,
    stopDelayMs: duration(annotations[stopDelayAnnotation]) ?? model.stopDelayMs,
  };
}
