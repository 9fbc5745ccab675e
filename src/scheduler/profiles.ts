/** The profiles of a scheduler, from its configuration. */
import { pathToFileURL } from 'node:url';
import type { Client } from '../client/client.ts';
import type { SchedulerConfiguration } from './config/types.ts';
import type { PluginFactory, SchedulerPlugin } from './framework/plugin.ts';
import { createProfile, type Profile, pluginNames } from './framework/profile.ts';
import { type Binders, createOwnPlugins } from './plugins/index.ts';

export interface ProfilesOptions {
  configuration: SchedulerConfiguration;
  binders: Binders;
  client: Client;
  /** Plugins from outside, by name; see {@link loadPlugins}. */
  plugins?: Readonly<Record<string, PluginFactory>>;
}

/** By scheduler name. Throws with upstream's message when a profile can't be put together. */
export function createProfiles({ configuration, binders, client, plugins = {} }: ProfilesOptions): Map<string, Profile> {
  const own = createOwnPlugins(binders);
  const profiles = new Map<string, Profile>();
  for (const profile of configuration.profiles) {
    const instances = new Map<string, SchedulerPlugin>();
    for (const name of pluginNames(profile)) {
      const args = profile.pluginConfig.find((entry) => entry.name === name)?.args ?? {};
      const outside = plugins[name];
      const plugin = own.get(name)?.(args) ?? outside?.(args, { client, profileName: profile.schedulerName });
      if (plugin) instances.set(name, plugin);
    }
    profiles.set(profile.schedulerName, createProfile(profile, instances, configuration.percentageOfNodesToScore));
  }
  return profiles;
}

/** Imports the modules that a configuration names; each exports its factory as `default`. */
export async function loadPlugins({ modules }: SchedulerConfiguration): Promise<Record<string, PluginFactory>> {
  const loaded = Object.entries(modules).map(async ([name, reference]): Promise<[string, PluginFactory]> => {
    const url = reference.startsWith('/') ? pathToFileURL(reference).href : reference;
    try {
      const module = (await import(url)) as { default?: unknown };
      if (typeof module.default !== 'function') throw new Error('it has no default export that is a function');
      return [name, module.default as PluginFactory];
    } catch (error) {
      throw new Error(`plugin "${name}": can't load ${reference}: ${(error as Error).message}`, { cause: error });
    }
  });
  return Object.fromEntries(await Promise.all(loaded));
}
