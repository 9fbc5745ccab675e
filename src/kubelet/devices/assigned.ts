/** Which container has which devices, and what their plugins want done to it; kept on disk over restarts. */
import type { Logger } from 'pino';
import { messageOf } from '../context.ts';
import { readCheckpoint, writeCheckpoint } from '../resources/checkpoint.ts';
import type { Allocation } from './messages.ts';

export interface Assignment {
  pod: string;
  container: string;
  resource: string;
  ids: string[];
  /** The NUMA nodes of each device, as they were when it was given. */
  nodes: Record<string, number[]>;
  allocation: Allocation;
}

export interface Assignments {
  of(pod: string, container: string): Assignment[];
  find(pod: string, container: string, resource: string): Assignment | undefined;
  /** Devices of that resource that containers have. */
  taken(resource: string): Set<string>;
  resources(): Set<string>;
  pods(): string[];
  holders(ids: readonly string[], resource: string): string[];
  add(assignment: Assignment): void;
  release(pod: string): void;
  /** Resources of which plugins had told when the file was written last. */
  readonly known: readonly string[];
  save(): void;
}

/** `registered` gives the resources that count as known; a file that can't be read is as none. */
export function createAssignments(file: string, registered: () => string[], log: Logger): Assignments {
  let all: Assignment[] = [];
  let known: string[] = [];
  try {
    const saved = readCheckpoint<{ assignments: Assignment[]; registered: string[] }>(file);
    all = saved?.assignments ?? [];
    known = saved?.registered ?? [];
  } catch (error) {
    log.error({ file, err: messageOf(error) }, 'the devices that pods have can not be read: going on without');
  }
  const save = (): void => writeCheckpoint(file, { assignments: all, registered: registered() });
  return {
    known,
    save,
    of: (pod, container) => all.filter((one) => one.pod === pod && one.container === container),
    find: (pod, container, resource) => all.find((one) => one.pod === pod && one.container === container && one.resource === resource),
    taken: (resource) => new Set(all.flatMap((one) => (one.resource === resource ? one.ids : []))),
    resources: () => new Set(all.map(({ resource }) => resource)),
    pods: () => [...new Set(all.map(({ pod }) => pod))],
    holders: (ids, resource) => [...new Set(all.flatMap((one) => (one.resource === resource && one.ids.some((id) => ids.includes(id)) ? one.pod : [])))],
    add: (assignment) => {
      all.push(assignment);
      save();
    },
    release: (pod) => {
      const left = all.filter((one) => one.pod !== pod);
      if (left.length === all.length) return;
      all = left;
      save();
    },
  };
}
