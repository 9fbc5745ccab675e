/** Which checks make up a level in a version, and what they say of a pod. */
import type { Check, PodCheck, PodLike, Violation } from './check.ts';
import { baselineChecks } from './checks/baseline.ts';
import { hostChecks } from './checks/host.ts';
import { restrictedChecks } from './checks/restricted.ts';
import type { LevelVersion } from './policy.ts';

const byId = (a: Check, b: Check): number => (a.id < b.id ? -1 : 1);
const baseline = [...hostChecks, ...baselineChecks].sort(byId);
const restricted = [...restrictedChecks].sort(byId);

const inForce = ({ versions }: Check, minor: number): PodCheck | undefined => versions.findLast(({ since }) => since <= minor)?.check;

function checksFor({ level, version }: LevelVersion): PodCheck[] {
  if (level === 'privileged') return [];
  const minor = version === 'latest' ? Number.POSITIVE_INFINITY : version;
  const strict = level === 'restricted' ? restricted.filter((check) => inForce(check, minor)) : [];
  const overridden = new Set(strict.map(({ overrides }) => overrides));
  return [...baseline.filter(({ id }) => !overridden.has(id)), ...strict].flatMap((check) => inForce(check, minor) ?? []);
}

/** Baseline checks come first, each group in order of its ids: the order in which clients see them. */
export const violationsOf = (level: LevelVersion, pod: PodLike): Violation[] => checksFor(level).flatMap((check) => check(pod) ?? []);

export const reasonsOf = (violations: readonly Violation[]): string => violations.map(({ reason }) => reason).join(', ');
export const detailsOf = (violations: readonly Violation[]): string =>
  violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
