import type { Container, EphemeralContainer, PodSpec } from '../../../api/core/v1/types.gen.ts';
import type { Level } from './policy.ts';

/** A pod, or the template of one. */
export interface PodLike {
  annotations: Readonly<Record<string, string>>;
  spec: PodSpec;
}

export interface Violation {
  reason: string;
  detail: string;
}

export type PodCheck = (pod: PodLike) => Violation | undefined;

export interface Check {
  id: string;
  level: Exclude<Level, 'privileged'>;
  /** In rising order of the minor version from which each holds. */
  versions: readonly { since: number; check: PodCheck }[];
  /** The baseline check that this restricted one says all of. */
  overrides?: string;
}

/** Where a container differs from an ephemeral one does not matter here. */
export type AnyContainer = Container | EphemeralContainer;

export const containersOf = ({ spec }: PodLike): AnyContainer[] => [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
/** The names of the containers for which that is so. */
export const namesWhere = (pod: PodLike, predicate: (container: AnyContainer) => boolean): string[] =>
  containersOf(pod)
    .filter(predicate)
    .map(({ name }) => name);

export const joinQuoted = (items: readonly string[]): string => items.map((item) => `"${item}"`).join(', ');
export const plural = (items: readonly unknown[], singular: string, several = `${singular}s`): string => (items.length === 1 ? singular : several);
/** `containers "a", "b"` */
export const shown = (noun: string, names: readonly string[]): string => `${plural(names, noun)} ${joinQuoted(names)}`;
export const sortedUnique = (values: Iterable<string>): string[] => [...new Set(values)].sort();

/** Who set something: the pod, some containers, both. */
export const setters = (pod: boolean, containers: readonly string[]): string[] => [
  ...(pod ? ['pod'] : []),
  ...(containers.length > 0 ? [shown('container', containers)] : []),
];

export const isWindows: (pod: PodLike) => boolean = ({ spec }) => spec.os?.name === 'windows';
/** Root in a user namespace of its own is nobody on the host (KEP-127). */
export const hasUserNamespace: (pod: PodLike) => boolean = ({ spec }) => spec.hostUsers === false;
export const unless =
  (exempt: (pod: PodLike) => boolean, check: PodCheck): PodCheck =>
  (pod) =>
    exempt(pod) ? undefined : check(pod);
