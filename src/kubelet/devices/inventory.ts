/** The devices that plugins have told of, by resource: which there are, which are well, and whether the plugin is still there. */
import type { Device, PluginOptions } from './messages.ts';
import type { Plugin } from './plugin.ts';

/** A plugin that is gone may come back: until then its devices count as there, but unwell. */
const graceMs = 300_000;

interface Resource {
  devices: Map<string, Device>;
  healthy: Set<string>;
  plugin?: Plugin;
  options: PluginOptions;
  /** Epoch milliseconds since when the plugin is gone. */
  stopped?: number;
}

export interface Inventory {
  get(resource: string): Readonly<Resource> | undefined;
  names(): string[];
  connected(resource: string, plugin: Plugin, options: PluginOptions): void;
  /** Returns the devices of which the health is another one now. */
  update(resource: string, devices: readonly Device[]): string[];
  /** Does nothing when another plugin has taken over. */
  disconnected(resource: string, plugin: Plugin): void;
  /** One of an earlier kubelet: its plugin has yet to come. */
  expect(resource: string): void;
  /** Numbers of devices for the node's status; `gone` are told once more, as 0, and forgotten. */
  capacity(): { capacity: Record<string, string>; allocatable: Record<string, string>; gone: string[] };
}

export const isHealthy = ({ health }: Device): boolean => health === 'Healthy';
export const nodesOf = ({ topology }: Pick<Device, 'topology'>): number[] => (topology?.nodes ?? []).map(({ ID }) => ID);

export function createInventory(now: () => number): Inventory {
  const resources = new Map<string, Resource>();
  return {
    get: (name) => resources.get(name),
    names: () => [...resources.keys()],
    connected: (name, plugin, options) => {
      const known = resources.get(name);
      known?.plugin?.close();
      resources.set(name, { devices: known?.devices ?? new Map(), healthy: known?.healthy ?? new Set(), plugin, options });
    },
    update: (name, devices) => {
      const known = resources.get(name);
      if (!known) return [];
      const changed = devices.filter((device) => known.devices.get(device.ID)?.health !== device.health).map(({ ID }) => ID);
      known.devices = new Map(devices.map((device) => [device.ID, device]));
      known.healthy = new Set(devices.filter(isHealthy).map(({ ID }) => ID));
      return changed;
    },
    disconnected: (name, plugin) => {
      const known = resources.get(name);
      if (known?.plugin !== plugin) return;
      known.healthy = new Set();
      known.stopped = now();
      delete known.plugin;
    },
    expect: (name) => void resources.set(name, { devices: new Map(), healthy: new Set(), options: {}, stopped: now() }),
    capacity: () => {
      const capacity: Record<string, string> = {};
      const allocatable: Record<string, string> = {};
      const gone: string[] = [];
      for (const [name, { devices, healthy, stopped }] of resources) {
        if (stopped !== undefined && now() - stopped > graceMs) {
          resources.delete(name);
          gone.push(name);
          continue;
        }
        capacity[name] = String(devices.size);
        allocatable[name] = String(healthy.size);
      }
      return { capacity, allocatable, gone };
    },
  };
}
