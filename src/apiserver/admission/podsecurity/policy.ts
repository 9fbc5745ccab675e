/** The labels of a namespace by which it says how secure its pods must be. Source of the rule: KEP-2579. */
import { type FieldError, invalidValue, path } from '../../../apimachinery/fieldpath.ts';

export type Level = 'privileged' | 'baseline' | 'restricted';
const levels: readonly Level[] = ['privileged', 'baseline', 'restricted'];

/** A level as some version of Kubernetes defined it: the minor version, or `latest`. */
export interface LevelVersion {
  level: Level;
  version: number | 'latest';
}

export interface Policy {
  enforce: LevelVersion;
  audit: LevelVersion;
  warn: LevelVersion;
}

const prefix = 'pod-security.kubernetes.io/';

export const describeLevel = ({ level, version }: LevelVersion): string => `${level}:${version === 'latest' ? version : `v1.${version}`}`;
export const sameLevel = (a: LevelVersion, b: LevelVersion): boolean => a.level === b.level && a.version === b.version;
/** Positive when `a` is stricter. */
export const compareLevels = (a: Level, b: Level): number => levels.indexOf(a) - levels.indexOf(b);
export const isPrivileged = ({ enforce, audit, warn }: Policy): boolean => [enforce, audit, warn].every(({ level }) => level === 'privileged');

/** What the labels ask for. A label that makes no sense counts as the strictest for enforcement and as the laxest for the rest. */
export function policyOf(labels: Readonly<Record<string, string>> = {}): { policy: Policy; errors: FieldError[] } {
  const errors: FieldError[] = [];
  const wrong = (label: string, value: string, detail: string): void => {
    errors.push(invalidValue(path('metadata', 'labels').key(label), value, detail));
  };
  function levelOf(mode: string, fallback: Level): Level | undefined {
    const value = labels[prefix + mode];
    if (value === undefined) return undefined;
    const level = levels.find((one) => one === value);
    if (!level) wrong(prefix + mode, value, `must be one of ${levels.join(', ')}`);
    return level ?? fallback;
  }
  function versionOf(mode: string): number | 'latest' | undefined {
    const label = `${prefix}${mode}-version`;
    const value = labels[label];
    if (value === undefined) return undefined;
    const minor = /^v1\.([0-9]|[1-9][0-9]*)$/.exec(value)?.[1];
    if (minor !== undefined) return Number(minor);
    if (value !== 'latest') wrong(label, value, 'must be "latest" or "v1.x"');
    return 'latest';
  }
  const modeOf = (mode: string, fallback: Level): { level: Level | undefined; version: number | 'latest' | undefined } => ({
    level: levelOf(mode, fallback),
    version: versionOf(mode),
  });
  const enforce = modeOf('enforce', 'restricted');
  const enforceIsValid = levels.some((one) => one === labels[`${prefix}enforce`]);
  const audit = modeOf('audit', 'privileged');
  const warn = modeOf('warn', 'privileged');
  const complete = ({ level = 'privileged', version = 'latest' }: typeof enforce): LevelVersion => ({ level, version });
  const policy: Policy = { enforce: complete(enforce), audit: complete(audit), warn: complete(warn) };
  // Whoever is held to a level is warned of what it forbids in workloads, which nobody enforces.
  if (warn.level === undefined && enforceIsValid && compareLevels(policy.enforce.level, 'privileged') > 0) {
    policy.warn.level = policy.enforce.level;
    if (warn.version === undefined) policy.warn.version = policy.enforce.version;
  }
  return { policy, errors };
}
