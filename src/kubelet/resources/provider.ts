/** What the parts have in common that give containers something of the node for themselves. */
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import { isRestartableInit } from '../containers/resources.ts';
import type { Hint, Hints } from './topology.ts';

export interface HintProvider {
  /** Where the container could have what it asks for. */
  containerHints(pod: Pod, container: Container): Hints;
  /** The same for all containers of the pod together. */
  podHints(pod: Pod): Hints;
  /** Throws what the pod is rejected with. What the container already has it keeps. */
  allocate(pod: Pod, container: Container, hint: Hint): Promise<void> | void;
  release(uid: string): void;
  /** Uids of pods that have something. */
  pods(): string[];
}

/** An error with a reason of its own; all others are `UnexpectedAdmissionError`. */
export class AdmissionError extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** In the order in which they get something. */
export const containersOf = ({ spec }: Pod): Container[] => [...(spec.initContainers ?? []), ...spec.containers];

/** Init containers that end: what they have the later ones have again. */
export const endsBeforeOthers = (pod: Pod, { name }: Container): boolean =>
  (pod.spec.initContainers ?? []).some((container) => container.name === name && !isRestartableInit(container));

/** Of all containers together, by resource: the larger of what runs at a time in the init phase and after it. */
export function podTotal(pod: Pod, of: (container: Container) => number): number {
  let sidecars = 0;
  let peak = 0;
  for (const container of pod.spec.initContainers ?? []) {
    const amount = of(container);
    if (isRestartableInit(container)) sidecars += amount;
    else peak = Math.max(peak, sidecars + amount);
  }
  return Math.max(
    peak,
    pod.spec.containers.reduce((sum, container) => sum + of(container), sidecars),
  );
}

/** What earlier init containers of the pod had and nobody has now. */
export function reusable<T>(pod: Pod, current: Container, of: (name: string) => ReadonlySet<T> | undefined): Set<T> {
  const free = new Set<T>();
  for (const container of containersOf(pod)) {
    if (container.name === current.name) break;
    for (const one of of(container.name) ?? []) {
      if (endsBeforeOthers(pod, container)) free.add(one);
      else free.delete(one);
    }
  }
  return free;
}
