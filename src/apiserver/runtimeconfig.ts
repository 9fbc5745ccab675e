/** `--runtime-config`: which built-in versions and resources are served, beyond or short of those that are on by default. */
import type { KindDefinition } from '../api/kind.ts';

type Served = Pick<KindDefinition, 'group' | 'version' | 'plural' | 'offByDefault'>;

/** In the order in which they are applied: what comes later outweighs. */
const stages: readonly [key: string, of: RegExp][] = [
  ['api/all', /^/],
  ['api/ga', /^v\d+$/],
  ['api/beta', /^v\d+beta\d+$/],
  ['api/alpha', /^v\d+alpha\d+$/],
];

/** As Go reads truth values; nothing is true. */
function truth(key: string, text: string): boolean {
  if (/^(?:|1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(?:0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw new Error(`invalid value of ${key}: ${text}, err: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** The server itself stands on these. */
const needed: Readonly<Record<string, string>> = { '': 'v1', 'apiregistration.k8s.io': 'v1', 'apiextensions.k8s.io': 'v1' };

/**
 * Reads `api/beta=true,resource.k8s.io/v1alpha3=true,batch/v1/cronjobs=false`.
 * @param known all kinds that could be served
 * @returns whether one is
 * @throws `Error` for groups and versions that there are not, and for what is no truth value
 */
export function parseRuntimeConfig(text: string, known: readonly Served[]): (definition: Served) => boolean {
  const given = new Map<string, string>();
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    given.set(equals < 0 ? part : part.slice(0, equals).trim(), equals < 0 ? '' : part.slice(equals + 1).trim());
  }
  if (given.size === 1 && given.get('api/all') === 'false') throw new Error('invalid runtime-config with only api/all=false');

  const byStage: { of: RegExp; on: boolean }[] = [];
  for (const [key, of] of stages) {
    const value = given.get(key);
    if (value === undefined) continue;
    if (value !== 'true' && value !== 'false') throw new Error(`invalid value ${key}=${value}`);
    byStage.push({ of, on: value === 'true' });
  }

  const groups = new Set(known.map(({ group }) => group));
  const versions = new Set(known.map(({ group, version }) => `${group}/${version}`));
  const byVersion = new Map<string, boolean>();
  const byResource = new Map<string, boolean>();
  const unknown: string[] = [];
  for (const [key, value] of given) {
    if (stages.some(([stage]) => stage === key)) continue;
    const [group = '', version = '', resource, ...rest] = key === 'v1' ? ['', 'v1'] : key.split('/');
    if (version === '' || rest.length > 0) throw new Error(`invalid key ${key}`);
    if (!groups.has(group)) unknown.push(`${group}/${version}`);
    else if (!versions.has(`${group}/${version}`)) throw new Error(`group version ${group}/${version} that has not been registered`);
    else if (resource === undefined) byVersion.set(`${group}/${version}`, truth(key, value));
    else if (resource !== resource.toLowerCase()) {
      throw new Error(`invalid key ${key}: group/version/resource and resource is always lowercase plural, not ${JSON.stringify(resource)}`);
    } else byResource.set(`${group}/${version}/${resource}`, truth(key, value));
  }
  if (unknown.length > 0) throw new Error(`unknown api groups ${unknown.sort().join(',')}`);

  return ({ group, version, plural, offByDefault }) => {
    if (needed[group] === version) return true;
    const explicit = byResource.get(`${group}/${version}/${plural}`) ?? byVersion.get(`${group}/${version}`);
    return explicit ?? byStage.findLast(({ of }) => of.test(version))?.on ?? !offByDefault;
  };
}
