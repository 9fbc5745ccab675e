/**
 * Memory and huge pages of guaranteed pods, kept to as few NUMA nodes as can be. A container gets its memory from a group
 * of nodes; nodes that are in a group with others serve that group alone. Source of the rule: KEP-1769 (policy `Static`).
 */
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import { value } from '../../apimachinery/quantity.ts';
import { qosClassOf } from '../containers/resources.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { NumaNode } from './machine.ts';
import { containersOf, endsBeforeOthers, type HintProvider, podTotal } from './provider.ts';
import { bitsOf, countOf, type Hint, isNarrower, maskOf, masksOf } from './topology.ts';

/** Memory of one kind that a container has on a group of nodes. */
export interface Block {
  nodes: number[];
  type: string;
  /** Bytes. */
  size: number;
}

export interface MemoryManager extends HintProvider {
  blocks(uid: string, container: string): readonly Block[];
  /** What can be given away, by node. */
  allocatable(): Block[];
}

/** Bytes by resource. */
export type Amounts = Readonly<Record<string, number>>;

export interface MemoryManagerInput {
  nodes: readonly NumaNode[];
  /** What the node keeps for itself, by number of the NUMA node. */
  reserved: ReadonlyMap<number, Amounts>;
  file: string;
}

interface Saved {
  policyName: string;
  machine: Record<string, Amounts>;
  entries?: Record<string, Record<string, Block[]>>;
}

const policyName = 'Static';
const fail = (why: string): Error => new Error(`[memorymanager] ${why}`);

/** What the container asks for of what is kept here. */
export function memoryOf(pod: Pod, container: Container): Amounts {
  if (qosClassOf(pod) !== 'Guaranteed' || pod.spec.resources) return {};
  const requests = container.resources?.requests ?? container.resources?.limits ?? {};
  return Object.fromEntries(
    Object.entries(requests).flatMap(([name, amount]) => (name === 'memory' || name.startsWith('hugepages-') ? [[name, value(amount)]] : [])),
  );
}

function podMemory(pod: Pod): Amounts {
  const names = new Set(pod.spec.containers.flatMap((container) => Object.keys(memoryOf(pod, container))));
  return Object.fromEntries([...names].map((name) => [name, podTotal(pod, (container) => memoryOf(pod, container)[name] ?? 0)]));
}

/** Throws when the configuration and what stands on disk don't fit the machine. */
export function createMemoryManager({ nodes, reserved, file }: MemoryManagerInput): MemoryManager {
  if ([...reserved.values()].every(({ memory = 0 }) => memory <= 0)) throw fail('you should specify the system reserved memory');
  const ids = nodes.map(({ id }) => id);
  const allocatable = new Map(
    nodes.map(({ id, memory, hugePages }) => {
      const kept = (name: string): number => reserved.get(id)?.[name] ?? 0;
      const huge = Object.values(hugePages).reduce((sum, bytes) => sum + bytes, 0);
      const pages = Object.entries(hugePages).map(([name, bytes]) => [name, bytes - kept(name)] as const);
      return [id, { ...Object.fromEntries(pages), memory: memory - huge - kept('memory') } as Amounts] as const;
    }),
  );
  const assigned = new Map<string, Map<string, Block[]>>();
  const everything = (): Block[] => [...assigned.values()].flatMap((ofPod) => [...ofPod.values()].flat());

  /** What is left of `type` on each node: groups fill their nodes in order. */
  function freeOf(type: string): Map<number, number> {
    const left = new Map(ids.map((id) => [id, allocatable.get(id)?.[type] ?? 0]));
    for (const block of everything()) {
      if (block.type !== type) continue;
      let size = block.size;
      for (const node of block.nodes) {
        const taken = Math.min(size, left.get(node) ?? 0);
        left.set(node, (left.get(node) ?? 0) - taken);
        size -= taken;
      }
    }
    return left;
  }
  /** The groups in which a node serves; none when it is free. */
  const groupsOf = (node: number): number[] => [
    ...new Set(
      everything()
        .filter((block) => block.nodes.includes(node))
        .map((block) => maskOf(block.nodes)),
    ),
  ];
  const free = (mask: number, type: string): number => {
    const left = freeOf(type);
    return bitsOf(mask).reduce((sum, node) => sum + (left.get(node) ?? 0), 0);
  };
  /** A group would tear apart what others have. */
  const violates = (mask: number): boolean => bitsOf(mask).some((node) => groupsOf(node).some((group) => group !== mask));
  const fits = (mask: number, amounts: Amounts, reuse: (mask: number, type: string) => number): boolean =>
    Object.entries(amounts).every(([type, size]) => free(mask, type) + reuse(mask, type) >= size);

  /** Nothing at all, thus no preference, where no group will do: upstream tells why when it comes to giving. */
  function hintsFor(amounts: Amounts, reuse: (mask: number, type: string) => number): Record<string, Hint[]> {
    let least = ids.length;
    const masks = masksOf(ids).filter((mask) => {
      const total = (type: string): number => bitsOf(mask).reduce((sum, node) => sum + (allocatable.get(node)?.[type] ?? 0), 0);
      if (Object.entries(amounts).some(([type, size]) => total(type) < size)) return false;
      least = Math.min(least, countOf(mask));
      return !violates(mask) && fits(mask, amounts, reuse);
    });
    const hints = masks.map((mask) => ({ nodes: mask, preferred: countOf(mask) === least }));
    return hints.length ? Object.fromEntries(Object.keys(amounts).map((type) => [type, hints])) : {};
  }

  const best = (hints: readonly Hint[]): Hint | undefined =>
    hints.reduce<Hint | undefined>((found, hint) => {
      if (!found || (hint.preferred && !found.preferred)) return hint;
      return hint.preferred === found.preferred && isNarrower(hint.nodes ?? 0, found.nodes ?? 0) ? hint : found;
    }, undefined);

  const blocks = (uid: string, name: string): readonly Block[] => assigned.get(uid)?.get(name) ?? [];
  /** What ended init containers of the pod leave for the next ones. */
  const reuseOf =
    (pod: Pod, current?: Container) =>
    (mask: number, type: string): number => {
      const before = containersOf(pod).slice(0, current ? containersOf(pod).findIndex(({ name }) => name === current.name) : undefined);
      return before
        .filter((container) => endsBeforeOthers(pod, container))
        .flatMap(({ name }) => blocks(pod.metadata.uid ?? '', name))
        .reduce((sum, block) => (block.type === type && maskOf(block.nodes) === mask ? sum + block.size : sum), 0);
    };

  /** Init containers that end give what later ones take on the same nodes. */
  function handOver(pod: Pod, container: Container, taken: readonly Block[]): void {
    for (const { type, size, nodes: group } of taken) {
      let left = size;
      for (const earlier of containersOf(pod)) {
        if (earlier.name === container.name) break;
        if (!endsBeforeOthers(pod, earlier)) continue;
        for (const block of assigned.get(pod.metadata.uid ?? '')?.get(earlier.name) ?? []) {
          if (block.type !== type || maskOf(block.nodes) !== maskOf(group)) continue;
          const given = Math.min(left, block.size);
          block.size -= given;
          left -= given;
        }
      }
    }
  }

  const machine = (): Record<string, Amounts> => Object.fromEntries([...allocatable].map(([id, amounts]) => [String(id), amounts]));
  const save = (): void =>
    writeCheckpoint(file, {
      policyName,
      machine: machine(),
      ...(assigned.size ? { entries: Object.fromEntries([...assigned].map(([uid, ofPod]) => [uid, Object.fromEntries(ofPod)])) } : {}),
    });

  const saved = readCheckpoint<Saved>(file);
  if (saved && JSON.stringify(saved.machine) !== JSON.stringify(machine()) && saved.entries)
    throw fail('the expected machine state is different from the real one');
  for (const [uid, ofPod] of Object.entries(saved?.entries ?? {})) assigned.set(uid, new Map(Object.entries(ofPod)));
  save();

  const regenerated = (known: readonly Block[]): Record<string, Hint[]> =>
    Object.fromEntries(known.map(({ type, nodes: group }) => [type, [{ nodes: maskOf(group), preferred: true }]]));

  return {
    blocks,
    allocatable: () =>
      ids.flatMap((id) => Object.entries(allocatable.get(id) ?? {}).flatMap(([type, size]) => (size > 0 ? [{ nodes: [id], type, size }] : []))),
    pods: () => [...assigned.keys()],
    containerHints: (pod, container) => {
      const amounts = memoryOf(pod, container);
      if (Object.keys(amounts).length === 0) return {};
      const known = blocks(pod.metadata.uid ?? '', container.name);
      if (known.length) return regenerated(known);
      return hintsFor(amounts, reuseOf(pod, container));
    },
    podHints: (pod) => {
      const amounts = podMemory(pod);
      if (Object.keys(amounts).length === 0) return {};
      const known = containersOf(pod)
        .map(({ name }) => blocks(pod.metadata.uid ?? '', name))
        .find(({ length }) => length > 0);
      if (known) return regenerated(known);
      return hintsFor(amounts, () => 0);
    },
    allocate: (pod, container, hint) => {
      const amounts = memoryOf(pod, container);
      const uid = pod.metadata.uid ?? '';
      if (Object.keys(amounts).length === 0 || blocks(uid, container.name).length) return;
      const reuse = reuseOf(pod, container);
      const possible = Object.values(hintsFor(amounts, reuse))[0] ?? [];
      let chosen = hint;
      if (chosen.nodes === undefined) {
        const found = best(possible);
        if (!found) throw fail('failed to get the default NUMA affinity, no NUMA nodes with enough memory is available');
        if (!found.preferred && chosen.preferred) throw fail('failed to find the default preferred hint');
        chosen = found;
      }
      let mask = chosen.nodes ?? 0;
      if (!fits(mask, amounts, reuse)) {
        const wider = best(possible.filter(({ nodes: other = 0 }) => (other & mask) === mask));
        if (!wider) throw fail('failed to find NUMA nodes to extend the current topology hint');
        if (!wider.preferred && chosen.preferred) throw fail('failed to find the extended preferred hint');
        mask = wider.nodes ?? mask;
      }
      if (violates(mask)) throw fail('preferred hint violates NUMA node allocation');
      const taken = Object.entries(amounts).map(([type, size]): Block => ({ nodes: bitsOf(mask), type, size }));
      handOver(pod, container, taken);
      const ofPod = assigned.get(uid) ?? new Map<string, Block[]>();
      ofPod.set(container.name, taken);
      assigned.set(uid, ofPod);
      save();
    },
    release: (uid) => {
      if (assigned.delete(uid)) save();
    },
  };
}
