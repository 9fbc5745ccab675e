/** `cpuManagerPolicyOptions`, as upstream names them. */

const names = {
  'full-pcpus-only': 'wholeCores',
  'distribute-cpus-across-numa': 'distribute',
  'strict-cpu-reservation': 'strict',
  'prefer-align-cpus-by-uncorecache': 'byCache',
} as const;

export type CpuOptions = { readonly [Name in (typeof names)[keyof typeof names]]: boolean };

/** Alpha upstream, and not switched on there. */
const alpha = new Set(['align-by-socket', 'distribute-cpus-across-cores']);

export function booleanOption(name: string, value: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw new Error(`bad value for option "${name}": strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
}

/** Throws what is wrong with them. */
export function cpuOptionsOf(given: Readonly<Record<string, string>>): CpuOptions {
  const found: Record<string, boolean> = Object.fromEntries(Object.values(names).map((name) => [name, false]));
  for (const [name, value] of Object.entries(given)) {
    if (alpha.has(name)) throw new Error(`CPU Manager Policy Alpha-level Options not enabled, but option "${name}" provided`);
    if (!Object.hasOwn(names, name)) throw new Error(`unknown CPU Manager Policy option: "${name}"`);
    found[names[name as keyof typeof names]] = booleanOption(name, value);
  }
  if (found['byCache'] && found['distribute'])
    throw new Error('static policy options prefer-align-cpus-by-uncorecache and distribute-cpus-across-numa can not be used at the same time');
  return found as CpuOptions;
}
