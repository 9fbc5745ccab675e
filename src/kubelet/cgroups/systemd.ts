/**
 * Control groups as systemd has them: each is a slice that systemd makes, limits and stops, so that it does not put its own
 * limits in place of the pods'. Spoken to through `busctl`.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { cpuPeriod, weightOf } from '../containers/resources.ts';
import { sleep } from '../runtime/pleg.ts';
import { type CgroupHierarchy, type CgroupLimits, cgroupMount, cgroupVersion, openCgroups } from './hierarchy.ts';

/** Runs `busctl` with arguments; rejects with what it says. */
export type Busctl = (args: readonly string[]) => Promise<unknown>;

/** Name, D-Bus signature and value of a unit's property; a list's value starts with its length, as `busctl` has it. */
export type UnitProperty = readonly [name: string, signature: string, ...value: string[]];

const manager = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'];
/** The largest number of 64 bits. */
const infinity = '18446744073709551615';
/** systemd counts CPU time in hundredths of a CPU: that much of a second. */
const percent = 10_000;

const partsOf = (path: string): string[] =>
  path
    .split('/')
    .filter(Boolean)
    .map((part) => part.replaceAll('-', '_'));

/** `/a/kubepods/burstable/podX` → `a-kubepods-burstable-podX.slice`; a dash in a name becomes an underscore. */
export const sliceName = (path: string): string => `${partsOf(path).join('-')}.slice`;

/** Where that slice lies: `/a/b` → `/a.slice/a-b.slice`. */
export const slicePath = (path: string): string =>
  `/${partsOf(path)
    .map((_, index, parts) => `${parts.slice(0, index + 1).join('-')}.slice`)
    .join('/')}`;

/** All limits, those that do not hold too: what is not said stays as it was. */
export function limitProperties({ cpuShares, cpuQuota, memory, pids }: CgroupLimits): UnitProperty[] {
  const perSecond = cpuQuota && Math.ceil((cpuQuota * 1_000_000) / cpuPeriod / percent) * percent;
  return [
    ...(cpuShares ? [['CPUWeight', 't', String(weightOf(cpuShares))] as const] : []),
    ['CPUQuotaPerSecUSec', 't', perSecond ? String(perSecond) : infinity],
    ['CPUQuotaPeriodUSec', 't', String(cpuPeriod)],
    ['MemoryMax', 't', memory ? String(memory) : infinity],
    ['TasksMax', 't', pids && pids > 0 ? String(pids) : infinity],
  ];
}

/** What a new slice has beside its limits. Slices have to be counted for, and live until they are stopped. */
export function sliceProperties(unit: string): UnitProperty[] {
  const parent = unit.includes('-') ? `${unit.slice(0, unit.lastIndexOf('-'))}.slice` : undefined;
  return [
    ['Description', 's', `control group ${unit}`],
    ...(parent ? [['Wants', 'as', '1', parent] as const] : []),
    ['DefaultDependencies', 'b', 'false'],
    ...['CPUAccounting', 'MemoryAccounting', 'TasksAccounting', 'IOAccounting'].map((name) => [name, 'b', 'true'] as const),
  ];
}

const flat = (properties: readonly UnitProperty[]): string[] => [String(properties.length), ...properties.flat()];

export const startSlice = (unit: string, limits: CgroupLimits): string[] => [
  'call',
  ...manager,
  'StartTransientUnit',
  'ssa(sv)a(sa(sv))',
  unit,
  'fail',
  ...flat([...sliceProperties(unit), ...limitProperties(limits)]),
  '0',
];

/** `true`: until the machine goes down, as the slice itself. */
export const changeSlice = (unit: string, limits: CgroupLimits): string[] => [
  'call',
  ...manager,
  'SetUnitProperties',
  'sba(sv)',
  unit,
  'true',
  ...flat(limitProperties(limits)),
];

export const stopSlice = (unit: string): string[] => ['call', ...manager, 'StopUnit', 'ss', unit, 'replace'];

/** Why slices can't be had here; undefined when they can. */
export function systemdProblem(running = '/run/systemd/system', version = cgroupVersion()): string | undefined {
  if (!existsSync(running)) return 'systemd is not what runs this machine (it is not process 1)';
  return version === 2 ? undefined : 'this machine has control groups of version 1, and version 2 is needed';
}

export const busctl: Busctl = (args) => promisify(execFile)('busctl', ['--system', ...args]);

const patience = 200;
const pauseMs = 25;

async function until(holds: () => boolean): Promise<boolean> {
  for (let attempt = 0; attempt < patience; attempt++) {
    if (holds()) return true;
    await sleep(pauseMs);
  }
  return false;
}

/** Paths are those of {@link slicePath}. What systemd does not know, such as huge pages, is still written to the files. */
export function openSlices(bus: Busctl = busctl, files: CgroupHierarchy = openCgroups(), mount = cgroupMount): CgroupHierarchy {
  const known = new Map<string, string>();
  const there = (path: string): boolean => existsSync(join(mount, path));
  return {
    ...files,
    ensure: async (path, limits) => {
      const wanted = JSON.stringify(limits);
      if (known.get(path) === wanted && there(path)) return;
      const unit = basename(path);
      // One that stands, of an agent before this one perhaps, is taken over.
      if (there(path)) await bus(changeSlice(unit, limits)).catch(() => bus(startSlice(unit, limits)));
      else await bus(startSlice(unit, limits)).catch(() => bus(changeSlice(unit, limits)));
      if (!(await until(() => there(path)))) throw new Error(`systemd did not make the slice ${unit}`);
      await files.ensure(path, limits);
      known.set(path, wanted);
    },
    remove: async (path) => {
      known.delete(path);
      if (!there(path)) return;
      await bus(stopSlice(basename(path))).catch(() => {}); // not known to systemd: a mere directory, removed as such
      await until(() => !there(path));
      await files.remove(path);
    },
  };
}
