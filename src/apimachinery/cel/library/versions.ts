/** Semantic versions (semver.org, 2.0.0). */
import { define, type Library } from './register.ts';

const grammar =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

export class CelSemver {
  readonly numbers: readonly bigint[];
  readonly pre: readonly string[];

  constructor(numbers: readonly bigint[], pre: readonly string[]) {
    this.numbers = numbers;
    this.pre = pre;
  }

  compareTo(other: unknown): number {
    if (!(other instanceof CelSemver)) return 1;
    for (const [index, number] of this.numbers.entries()) {
      const theirs = other.numbers[index] ?? 0n;
      if (number !== theirs) return number < theirs ? -1 : 1;
    }
    if (this.pre.length === 0 || other.pre.length === 0) return Math.sign(other.pre.length - this.pre.length);
    return comparePre(this.pre, other.pre);
  }
}

function comparePre(a: readonly string[], b: readonly string[]): number {
  for (const [index, mine] of a.entries()) {
    const theirs = b[index];
    if (theirs === undefined) return 1;
    if (mine === theirs) continue;
    const [left, right] = [/^\d+$/.test(mine), /^\d+$/.test(theirs)];
    if (left && right) return BigInt(mine) < BigInt(theirs) ? -1 : 1;
    if (left !== right) return left ? -1 : 1;
    return mine < theirs ? -1 : 1;
  }
  return a.length === b.length ? 0 : -1;
}

/** Without a leading `v`, without leading zeros, with minor and patch. */
function normalize(text: string): string {
  const match = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(.*)$/.exec(text);
  if (!match) return text;
  const [, major = '0', minor = '0', patch = '0', rest = ''] = match;
  return `${[major, minor, patch].map((one) => one.replace(/^0+(?=\d)/, '')).join('.')}${rest}`;
}

function parse(text: string): CelSemver | undefined {
  const match = grammar.exec(text);
  return match ? new CelSemver(match.slice(1, 4).map(BigInt), match[4]?.split('.') ?? []) : undefined;
}

/** Throws when it is none. */
export function parseSemver(text: string): CelSemver {
  const version = parse(text);
  if (!version) throw new Error(`No Major.Minor.Patch elements found: ${JSON.stringify(text)}`);
  return version;
}

const type = 'kubernetes.Semver';

export const versions: Library = (environment) => {
  environment.registerType(type, CelSemver);
  define(environment, `semver(string): ${type}`, parseSemver);
  define(environment, `semver(string, bool): ${type}`, (text: string, lenient: boolean) => parseSemver(lenient ? normalize(text) : text));
  define(environment, 'isSemver(string): bool', (text: string) => parse(text) !== undefined);
  define(environment, 'isSemver(string, bool): bool', (text: string, lenient: boolean) => parse(lenient ? normalize(text) : text) !== undefined);
  for (const [index, part] of ['major', 'minor', 'patch'].entries()) define(environment, `${type}.${part}(): int`, ({ numbers }: CelSemver) => numbers[index]);
  define(environment, `${type}.isLessThan(${type}): bool`, (a: CelSemver, b: CelSemver) => a.compareTo(b) < 0);
  define(environment, `${type}.isGreaterThan(${type}): bool`, (a: CelSemver, b: CelSemver) => a.compareTo(b) > 0);
  define(environment, `${type}.compareTo(${type}): int`, (a: CelSemver, b: CelSemver) => BigInt(a.compareTo(b)));
  environment.registerOperator(`${type} == ${type}`, (a: CelSemver, b: CelSemver) => a.compareTo(b) === 0);
};
