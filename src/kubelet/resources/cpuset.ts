/** Sets of CPUs, and the kernel's way to write them: `0-3,8`. */
export type CpuSet = ReadonlySet<number>;

/** Throws when the text is no list of numbers and ranges. */
export function parseCpuSet(text: string): CpuSet {
  const found = new Set<number>();
  for (const part of text.trim().split(',')) {
    if (part === '') continue;
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (!match) throw new Error(`strconv.Atoi: parsing ${JSON.stringify(part)}: invalid syntax`);
    const first = Number(match[1]);
    const last = Number(match[2] ?? first);
    if (last < first) throw new Error(`invalid range "${part}" (${last} < ${first})`);
    for (let cpu = first; cpu <= last; cpu++) found.add(cpu);
  }
  return found;
}

export const sorted = (set: Iterable<number>): number[] => [...set].sort((a, b) => a - b);

export function formatCpuSet(set: Iterable<number>): string {
  const ranges: [number, number][] = [];
  for (const cpu of sorted(set)) {
    const last = ranges.at(-1);
    if (last && last[1] === cpu - 1) last[1] = cpu;
    else ranges.push([cpu, cpu]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

export const union = <T>(...sets: Iterable<T>[]): Set<T> => new Set(sets.flatMap((set) => [...set]));
export const without = <T>(set: Iterable<T>, other: ReadonlySet<T>): Set<T> => new Set([...set].filter((one) => !other.has(one)));
export const common = <T>(set: Iterable<T>, other: ReadonlySet<T>): Set<T> => new Set([...set].filter((one) => other.has(one)));
export const sameSet = <T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean => a.size === b.size && [...a].every((one) => b.has(one));
