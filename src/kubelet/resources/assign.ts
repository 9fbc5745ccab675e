/**
 * Which CPUs a container gets for its own: whole NUMA nodes and sockets first, then whole cores, then what is left, each
 * time from where least is free, so that large gaps stay large. Source of the rule: KEP-3570, KEP-4800.
 */
import { type CpuSet, sorted } from './cpuset.ts';
import type { Cpu } from './machine.ts';

type Level = 'node' | 'socket' | 'core' | 'cache';

export interface AssignOptions {
  /** Keep to as few caches of the last level as can be. */
  byCache?: boolean;
}

const distinct = (cpus: readonly Cpu[], level: Level): number[] => [...new Set(cpus.map((cpu) => cpu[level]))];

export class NotEnoughCpus extends Error {
  constructor(requested: number, available: number) {
    super(`not enough cpus available to satisfy request: requested=${requested}, available=${available}`);
  }
}

/** What is free while CPUs are being taken. */
export class Accumulator {
  readonly taken = new Set<number>();
  readonly #all: readonly Cpu[];
  readonly #nodesFirst: boolean;
  #free: readonly Cpu[];
  needed: number;

  constructor(all: readonly Cpu[], available: CpuSet, needed: number) {
    this.#all = all;
    this.#free = all.filter(({ id }) => available.has(id));
    this.#nodesFirst = distinct(all, 'socket').length >= distinct(all, 'node').length;
    this.needed = needed;
  }

  get free(): readonly Cpu[] {
    return this.#free;
  }

  freeIn(level: Level, id: number): Cpu[] {
    return this.#free.filter((cpu) => cpu[level] === id);
  }

  take(cpus: readonly number[]): void {
    for (const cpu of cpus) this.taken.add(cpu);
    this.#free = this.#free.filter(({ id }) => !this.taken.has(id));
    this.needed -= cpus.length;
  }

  /** Of those that are free within `cpus`, the ones with least left first. */
  #fullestFirst(cpus: readonly Cpu[], level: Level): number[] {
    const left = new Map(distinct(cpus, level).map((id) => [id, this.freeIn(level, id).length] as const));
    return [...left.keys()].sort((a, b) => (left.get(a) ?? 0) - (left.get(b) ?? 0) || a - b);
  }

  #within(outer: readonly number[], level: Level, inner: Level): number[] {
    return [...new Set(outer.flatMap((id) => this.#fullestFirst(this.freeIn(level, id), inner)))];
  }

  nodes(): number[] {
    return this.#nodesFirst ? this.#fullestFirst(this.#free, 'node') : this.#within(this.sockets(), 'socket', 'node');
  }

  sockets(): number[] {
    return this.#nodesFirst ? this.#within(this.nodes(), 'node', 'socket') : this.#fullestFirst(this.#free, 'socket');
  }

  cores(): number[] {
    return this.#nodesFirst ? this.#within(this.sockets(), 'socket', 'core') : this.#within(this.nodes(), 'node', 'core');
  }

  #takeWhole(level: Level, ids: readonly number[]): void {
    for (const id of ids) {
      const cpus = this.#all.filter((cpu) => cpu[level] === id);
      if (this.freeIn(level, id).length === cpus.length && this.needed >= cpus.length) this.take(cpus.map((cpu) => cpu.id));
    }
  }

  takeWholeNodesAndSockets(): void {
    const steps: (() => void)[] = [() => this.#takeWhole('node', this.nodes()), () => this.#takeWhole('socket', this.sockets())];
    for (const step of this.#nodesFirst ? steps : steps.reverse()) if (this.needed > 0) step();
  }

  takeWholeCores(): void {
    this.#takeWhole('core', this.cores());
  }

  takeByCache(): void {
    const caches = this.#within(this.nodes(), 'node', 'cache');
    this.#takeWhole('cache', caches);
    if (this.needed <= 0) return;
    const threads = this.#all.length / Math.max(1, distinct(this.#all, 'core').length);
    for (const cache of caches) {
      const cores = this.#fullestFirst(this.freeIn('cache', cache), 'core')
        .filter((core) => this.freeIn('core', core).length === this.#all.filter((cpu) => cpu.core === core).length)
        .sort((a, b) => a - b)
        .slice(0, Math.ceil(this.needed / threads));
      const cpus = sorted(cores.flatMap((core) => this.freeIn('core', core).map(({ id }) => id)));
      if (cpus.length < this.needed) continue;
      this.take(cpus.slice(0, this.needed));
      return;
    }
  }

  takeRest(): void {
    const order = this.cores().flatMap((core) => sorted(this.freeIn('core', core).map(({ id }) => id)));
    this.take(order.slice(0, this.needed));
  }
}

/** Throws {@link NotEnoughCpus}. */
export function takePacked(all: readonly Cpu[], available: CpuSet, count: number, { byCache = false }: AssignOptions = {}): CpuSet {
  if (count > available.size) throw new NotEnoughCpus(count, available.size);
  const acc = new Accumulator(all, available, count);
  if (acc.needed > 0) acc.takeWholeNodesAndSockets();
  if (acc.needed > 0 && byCache) acc.takeByCache();
  if (acc.needed > 0) acc.takeWholeCores();
  if (acc.needed > 0) acc.takeRest();
  return acc.taken;
}
