/** A kubelet's configuration file: read strictly, completed with defaults, shown as `/configz` shows it. */
import { parseYamlStrict } from '../../apimachinery/codec/yaml.ts';
import type { Field } from './field.ts';
import { fields, type KubeletConfiguration, unsupported } from './fields.ts';
import { problemsOf } from './validate.ts';

export type { KubeletConfiguration } from './fields.ts';

const apiVersion = 'kubelet.config.k8s.io/v1beta1';
const kind = 'KubeletConfiguration';
const entries = Object.entries(fields) as [keyof KubeletConfiguration, Field<unknown>][];

/** What is wrong with a configuration: all of it, one line each. */
export class ConfigurationError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

export const defaultConfiguration: KubeletConfiguration = Object.fromEntries(
  entries.map(([name, { fallback }]) => [name, fallback]),
) as unknown as KubeletConfiguration;

/** YAML or JSON. Throws {@link ConfigurationError}. The object is what the file says, to be kept; see {@link configurationOf}. */
export function parseConfiguration(text: string): Record<string, unknown> {
  let raw: unknown;
  try {
    const { value, errors } = parseYamlStrict(text);
    if (errors.length) throw new Error(errors.join(', '));
    raw = value;
  } catch (error) {
    throw new ConfigurationError([`not YAML: ${(error as Error).message.split('\n')[0]}`]);
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw new ConfigurationError([`a ${kind} is expected`]);
  const object = raw as Record<string, unknown>;
  configurationOf(object);
  return object;
}

/** Completed with defaults. Throws {@link ConfigurationError}. */
export function configurationOf(raw: Readonly<Record<string, unknown>> | undefined): KubeletConfiguration {
  if (!raw) return defaultConfiguration;
  if (raw['apiVersion'] !== apiVersion || raw['kind'] !== kind) {
    throw new ConfigurationError([
      `no kind "${String(raw['kind'] ?? '')}" is registered for version "${String(raw['apiVersion'] ?? '')}": a ${kind} of ${apiVersion} is expected`,
    ]);
  }
  const problems: string[] = [];
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(raw)) {
    if (name === 'apiVersion' || name === 'kind' || value === null) continue;
    const field = (fields as Readonly<Record<string, Field<unknown>>>)[name];
    const refused = unsupported[name];
    if (field && Object.hasOwn(fields, name)) {
      try {
        given[name] = field.read(value);
      } catch (error) {
        problems.push(`${name}: ${(error as Error).message}`);
      }
    } else if (!refused || !Object.hasOwn(unsupported, name)) problems.push(`strict decoding error: unknown field "${name}"`);
    else if (!refused.holds?.includes(value)) {
      const holds = refused.holds ? `; it is ${refused.holds.map((one) => JSON.stringify(one)).join(' or ')}` : '';
      problems.push(`${name} can't be set: ${refused.why}${holds}`);
    }
  }
  const config = withDependents(given);
  if (problems.length === 0) problems.push(...problemsOf(config));
  if (problems.length) throw new ConfigurationError(problems);
  return config;
}

/** Some defaults depend on what else is given. */
function withDependents(given: Readonly<Record<string, unknown>>): KubeletConfiguration {
  const config = { ...defaultConfiguration, ...given };
  if (given['nodeStatusUpdateFrequency'] !== undefined && given['nodeStatusReportFrequency'] === undefined)
    config.nodeStatusReportFrequency = config.nodeStatusUpdateFrequency;
  if (config.serializeImagePulls && given['maxParallelImagePulls'] === undefined) config.maxParallelImagePulls = 1;
  if (config.mergeDefaultEvictionSettings) config.evictionHard = { ...defaultConfiguration.evictionHard, ...config.evictionHard };
  if (config.podPidsLimit < 0) config.podPidsLimit = -1;
  return config;
}

/** As a file would have it. */
export const showConfiguration = (config: KubeletConfiguration): Record<string, unknown> => ({
  kind,
  apiVersion,
  ...Object.fromEntries(entries.map(([name, field]) => [name, field.show(config[name])])),
});
