/** Reads a `KubeSchedulerConfiguration` file: strictly, with upstream's defaults, checks and messages. Pure. */

import { parseYamlStrict } from '../../apimachinery/codec/yaml.ts';
import { DecodeError, strictDecodingMessage } from '../../apimachinery/decode/errors.ts';
import { decodeObject } from '../../apimachinery/decode/object.ts';
import { argsDefaults, isOwnArgs } from './args.ts';
import { type GivenPlugins, mergePlugins } from './plugins.ts';
import { argsStructs, configurationStruct } from './structs.ts';
import type { ExtenderConfiguration, ProfileConfiguration, SchedulerConfiguration } from './types.ts';
import { validateConfiguration } from './validate.ts';

const apiVersion = 'kubescheduler.config.k8s.io/v1';
const kind = 'KubeSchedulerConfiguration';

/** What is wrong with a configuration, in upstream's words. */
export class SchedulerConfigurationError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'SchedulerConfigurationError';
  }
}

interface GivenProfile {
  schedulerName?: string;
  percentageOfNodesToScore?: number;
  plugins?: GivenPlugins;
  pluginConfig?: { name?: string; args?: Record<string, unknown> }[];
}

interface Given {
  parallelism?: number;
  percentageOfNodesToScore?: number;
  podInitialBackoffSeconds?: number;
  podMaxBackoffSeconds?: number;
  profiles?: GivenProfile[];
  extenders?: ExtenderConfiguration[];
  leaderElection?: { leaderElect?: boolean; resourceLock?: string };
}

/** Arguments of plugins from outside name the module that has the plugin: `args: { module: ./plugin.ts }`. */
export const moduleArgument = 'module';

/** What a file without a word in it means. */
export const defaultConfiguration = (): SchedulerConfiguration => complete({}, (reference) => reference);

/**
 * `resolve` makes a module reference of the file (`./plugin.ts`, a package's name) absolute.
 * Throws {@link SchedulerConfigurationError}.
 */
export function parseSchedulerConfiguration(text: string, resolve: (reference: string) => string): SchedulerConfiguration {
  const given = decode(text);
  const configuration = complete(given, resolve);
  const errors = validateConfiguration(configuration, given.leaderElection);
  const messages = [...new Set(errors.map((error) => error.message()))];
  if (messages.length > 0) throw new SchedulerConfigurationError(messages.length === 1 ? messages[0]! : `[${messages.join(', ')}]`);
  return configuration;
}

function decode(text: string): Given {
  try {
    const { value, errors } = parseYamlStrict(text);
    const object = (value ?? {}) as Record<string, unknown>;
    if (object['apiVersion'] !== apiVersion || object['kind'] !== kind) {
      throw new Error(`no kind ${JSON.stringify(object['kind'] ?? '')} is registered for version ${JSON.stringify(object['apiVersion'] ?? '')}`);
    }
    const decoded = decodeObject<Given>(configurationStruct, object, { validation: 'Strict', prior: errors });
    const strict = [...decoded.strictErrors];
    for (const [at, { pluginConfig = [] }] of (decoded.object.profiles ?? []).entries()) {
      for (const [index, entry] of pluginConfig.entries()) strict.push(...decodeArgs(entry, `decoding .profiles[${at}].pluginConfig[${index}]`));
    }
    if (strict.length > 0) throw new Error(strictDecodingMessage(strict));
    return decoded.object;
  } catch (error) {
    const cause = error as Error;
    const message = error instanceof DecodeError ? `${kind} in version "v1" cannot be handled as a ${kind}: ${cause.message}` : cause.message;
    throw new SchedulerConfigurationError(message, { cause });
  }
}

/** Puts what was understood in the place of what was given; gives strict errors. */
function decodeArgs(entry: { name?: string; args?: Record<string, unknown> }, where: string): string[] {
  const { name = '', args = {} } = entry;
  const struct = argsStructs[name];
  if (!struct) return [];
  const expected = `${name}Args`;
  if (args['kind'] !== undefined && args['kind'] !== expected) {
    throw new Error(
      `${where}: args for plugin ${name} were not of type ${expected}.kubescheduler.config.k8s.io, got ${String(args['kind'])}.kubescheduler.config.k8s.io`,
    );
  }
  try {
    const { object, strictErrors } = decodeObject(struct, args, { validation: 'Strict' });
    const { apiVersion: _version, kind: _kind, ...rest } = object;
    entry.args = rest;
    return strictErrors.length === 0 ? [] : [`${where}: strict decoding error: decoding args for plugin ${name}: ${strictDecodingMessage(strictErrors)}`];
  } catch (error) {
    throw new Error(`${where}: decoding args for plugin ${name}: ${(error as Error).message}`, { cause: error });
  }
}

function complete(given: Given, resolve: (reference: string) => string): SchedulerConfiguration {
  const profiles = given.profiles?.length ? given.profiles : [{}];
  const modules: Record<string, string> = {};
  const completed = profiles.map((profile): ProfileConfiguration => {
    for (const { name = '', args } of profile.pluginConfig ?? []) {
      const reference = args?.[moduleArgument];
      if (!isOwnArgs(name) && typeof reference === 'string') modules[name] = resolve(reference);
    }
    const plugins = mergePlugins(profile.plugins);
    const own = (profile.pluginConfig ?? []).map(({ name = '', args = {} }) => ({
      name,
      args: isOwnArgs(name) ? { ...argsDefaults[name](args as never) } : args,
    }));
    const missing = Object.keys(argsDefaults).filter((name) => !own.some((entry) => entry.name === name));
    return {
      schedulerName: profile.schedulerName ?? (profiles.length === 1 ? 'default-scheduler' : ''),
      ...(profile.percentageOfNodesToScore === undefined ? {} : { percentageOfNodesToScore: profile.percentageOfNodesToScore }),
      plugins,
      pluginConfig: [...own, ...missing.map((name) => ({ name, args: isOwnArgs(name) ? { ...argsDefaults[name]({}) } : {} }))],
    };
  });
  return {
    parallelism: given.parallelism ?? 16,
    percentageOfNodesToScore: given.percentageOfNodesToScore ?? 0,
    podInitialBackoffSeconds: given.podInitialBackoffSeconds ?? 1,
    podMaxBackoffSeconds: given.podMaxBackoffSeconds ?? 10,
    profiles: completed,
    extenders: given.extenders ?? [],
    modules,
  };
}
