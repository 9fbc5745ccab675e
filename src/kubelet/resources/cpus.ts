/**
 * CPUs for one container alone: guaranteed pods that ask for whole CPUs get them, all others share the rest. Source of the
 * rule: KEP-3570 (policy `static`).
 */
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import { milliCpu, qosClassOf } from '../containers/resources.ts';
import { NotEnoughCpus, takePacked } from './assign.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { CpuOptions } from './cpuoptions.ts';
import { type CpuSet, common, formatCpuSet, parseCpuSet, sameSet, union, without } from './cpuset.ts';
import { takeDistributed } from './distribute.ts';
import type { Machine } from './machine.ts';
import { AdmissionError, containersOf, type HintProvider, podTotal, reusable } from './provider.ts';
import { bitsOf, countOf, type Hint, hasNode, masksOf } from './topology.ts';

export interface CpuManager extends HintProvider {
  /** What the container has alone. */
  exclusive(uid: string, container: string): CpuSet | undefined;
  /** What all others run on. */
  shared(): CpuSet;
  /** What can be given away. */
  allocatable(): CpuSet;
}

export interface CpuManagerInput {
  machine: Machine;
  /** Milli-CPUs that the node keeps for itself. */
  reservedMilli: number;
  /** Those CPUs by number, where the configuration names them. */
  reserved?: CpuSet;
  options: CpuOptions;
  /** Where the assignments stand over restarts. */
  file: string;
}

interface Saved {
  policyName: string;
  defaultCpuSet: string;
  entries?: Record<string, Record<string, string>>;
}

const policyName = 'static';

/** Whole CPUs that the container is to have alone; 0 for none. Pod-level resources give none (KEP-5526 is not on by default). */
export function exclusiveCount(pod: Pod, container: Container): number {
  if (qosClassOf(pod) !== 'Guaranteed' || pod.spec.resources) return 0;
  const milli = milliCpu(container.resources?.requests ?? container.resources?.limits);
  return milli % 1000 === 0 ? milli / 1000 : 0;
}

/** Throws when the machine, the configuration and what stands on disk don't fit together. */
export function createCpuManager({ machine: { cpus }, reservedMilli, reserved: named, options, file }: CpuManagerInput): CpuManager {
  const all = new Set(cpus.map(({ id }) => id));
  const nodes = [...new Set(cpus.map(({ node }) => node))].sort((a, b) => a - b);
  const nodeOf = new Map(cpus.map(({ id, node }) => [id, node] as const));
  const threads = Math.floor(cpus.length / Math.max(1, new Set(cpus.map(({ core }) => core)).size));
  if (reservedMilli <= 0) throw new Error('[cpumanager] the static policy requires systemreserved.cpu + kubereserved.cpu to be greater than zero');

  const take = (available: CpuSet, count: number): CpuSet =>
    options.distribute
      ? takeDistributed(cpus, available, count, options.wholeCores ? threads : 1)
      : takePacked(cpus, available, count, { byCache: options.byCache });

  const wanted = Math.ceil(reservedMilli / 1000);
  const reserved = named?.size ? named : wanted > all.size ? new Set<number>() : take(all, wanted);
  if (reserved.size !== wanted)
    throw new Error(`[cpumanager] unable to reserve the required amount of CPUs (size of ${formatCpuSet(reserved)} did not equal ${wanted})`);
  const reservedCores = new Set(cpus.filter(({ id }) => reserved.has(id)).map(({ core }) => core));
  const assigned = new Map<string, Map<string, CpuSet>>();

  const shared = (): Set<number> => {
    const rest = without(all, union(...[...assigned.values()].flatMap((ofPod) => [...ofPod.values()])));
    return options.strict ? without(rest, reserved) : rest;
  };
  const available = (): Set<number> => without(shared(), reserved);

  function save(): void {
    const entries = Object.fromEntries(
      [...assigned].map(([uid, ofPod]) => [uid, Object.fromEntries([...ofPod].map(([name, set]) => [name, formatCpuSet(set)]))]),
    );
    writeCheckpoint(file, { policyName, defaultCpuSet: formatCpuSet(shared()), ...(assigned.size ? { entries } : {}) });
  }

  function restore(): void {
    const saved = readCheckpoint<Saved>(file);
    if (!saved) {
      save();
      return;
    }
    for (const [uid, ofPod] of Object.entries(saved.entries ?? {}))
      assigned.set(uid, new Map(Object.entries(ofPod).map(([name, text]) => [name, parseCpuSet(text)])));
    const before = parseCpuSet(saved.defaultCpuSet);
    const given = union(...[...assigned.values()].flatMap((ofPod) => [...ofPod.values()]));
    if (options.strict ? common(before, reserved).size : common(reserved, before).size !== reserved.size)
      throw new Error(
        options.strict
          ? `some of strictly reserved cpus: "${formatCpuSet(common(before, reserved))}" are present in defaultCpuSet: "${saved.defaultCpuSet}"`
          : `not all reserved cpus: "${formatCpuSet(reserved)}" are present in defaultCpuSet: "${saved.defaultCpuSet}"`,
      );
    for (const [uid, ofPod] of assigned)
      for (const [name, set] of ofPod)
        if (common(set, before).size)
          throw new Error(`pod: ${uid}, container: ${name} cpuset: "${formatCpuSet(set)}" overlaps with default cpuset "${saved.defaultCpuSet}"`);
    const known = union(before, given, options.strict ? reserved : []);
    if (!sameSet(known, all)) throw new Error(`current set of available CPUs "${formatCpuSet(all)}" doesn't match with CPUs in state "${formatCpuSet(known)}"`);
  }

  const exclusive = (uid: string, name: string): CpuSet | undefined => assigned.get(uid)?.get(name);
  const reuse = (pod: Pod, container: Container): Set<number> => reusable(pod, container, (name) => exclusive(pod.metadata.uid ?? '', name));

  function hintsFor(free: CpuSet, must: CpuSet, count: number): Hint[] {
    let least = nodes.length;
    const found = masksOf(nodes).flatMap((mask) => {
      const inMask = cpus.filter(({ node }) => hasNode(mask, node)).length;
      if (inMask >= count) least = Math.min(least, countOf(mask));
      if ([...must].some((cpu) => !hasNode(mask, nodeOf.get(cpu) ?? -1))) return [];
      const matching = [...union(must, free)].filter((cpu) => hasNode(mask, nodeOf.get(cpu) ?? -1)).length;
      return matching >= count ? [mask] : [];
    });
    return found.map((mask) => ({ nodes: mask, preferred: countOf(mask) === least }));
  }

  function checkWholeCores(count: number): void {
    if (!options.wholeCores) return;
    const refuse = (why: string): never => {
      throw new AdmissionError('SMTAlignmentError', `SMT Alignment Error: ${why}`);
    };
    if (count % threads !== 0) refuse(`requested ${count} cpus not multiple cpus per core = ${threads}`);
    const whole = [...shared()].filter((cpu) => !reservedCores.has(cpus.find(({ id }) => id === cpu)?.core ?? -1)).length;
    if (count > whole) refuse(`not enough free physical CPUs: available physical CPUs = ${whole}, requested CPUs = ${count}, CPUs per core = ${threads}`);
  }

  restore();
  return {
    exclusive,
    shared,
    allocatable: () => without(all, reserved),
    pods: () => [...assigned.keys()],
    containerHints: (pod, container) => {
      const count = exclusiveCount(pod, container);
      if (count === 0) return {};
      const known = exclusive(pod.metadata.uid ?? '', container.name);
      if (known) return { cpu: known.size === count ? hintsFor(known, new Set(), count) : [] };
      return { cpu: hintsFor(available(), reuse(pod, container), count) };
    },
    podHints: (pod) => {
      const count = podTotal(pod, (container) => exclusiveCount(pod, container));
      if (count === 0) return {};
      const known = assigned.get(pod.metadata.uid ?? '');
      const changed = containersOf(pod).some((container) => {
        const set = known?.get(container.name);
        return set !== undefined && set.size !== exclusiveCount(pod, container);
      });
      if (changed) return { cpu: [] };
      const own = union(...(known?.values() ?? []));
      return { cpu: own.size === count ? hintsFor(own, new Set(), count) : hintsFor(available(), own, count) };
    },
    allocate: (pod, container, hint) => {
      const count = exclusiveCount(pod, container);
      if (count === 0) return;
      checkWholeCores(count);
      const uid = pod.metadata.uid ?? '';
      if (exclusive(uid, container.name)) return;
      const free = union(available(), reuse(pod, container));
      if (count > free.size) throw new NotEnoughCpus(count, free.size);
      const aligned =
        hint.nodes === undefined ? new Set<number>() : new Set([...free].filter((cpu) => bitsOf(hint.nodes ?? 0).includes(nodeOf.get(cpu) ?? -1)));
      const first = take(aligned, Math.min(count, aligned.size));
      const rest = take(without(free, first), count - first.size);
      const ofPod = assigned.get(uid) ?? new Map<string, CpuSet>();
      ofPod.set(container.name, union(first, rest));
      assigned.set(uid, ofPod);
      save();
    },
    release: (uid) => {
      if (assigned.delete(uid)) save();
    },
  };
}
