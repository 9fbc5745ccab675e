/**
 * The storage drivers of this node: they announce themselves by a socket in `plugins_registry`, and are told to the
 * cluster in the node's CSINode object. Source of the rule: "Kubelet plugin registration", KEP-595.
 */
import { watch } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { nodes } from '../../api/core/v1/node.ts';
import { csinodes } from '../../api/storage/v1/csinode.ts';
import type { CSINode, CSINodeDriver } from '../../api/storage/v1/types.gen.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../apimachinery/errors.ts';
import type { Client } from '../../client/client.ts';
import { messageOf } from '../context.ts';
import { sleep } from '../runtime/pleg.ts';
import { type CsiClient, createCsiClient, unaryCaller } from './client.ts';

export interface CsiDrivers {
  /** Throws upstream's words when no driver of that name has registered. */
  get(name: string): CsiClient;
  /** Writes the CSINode object and follows drivers as they come and go. Resolves after the first look. */
  start(nodeUid: () => string | undefined): Promise<void>;
  stop(): void;
}

interface Registered {
  name: string;
  client: CsiClient;
}

/** Plugins of another kind that announce themselves in the same place. */
export interface OtherPlugins {
  type: string;
  /** Throws what the plugin is told that can't be. */
  register(name: string, endpoint: string, versions: readonly string[]): Promise<void>;
  unregister(endpoint: string): void;
  /** Whether it still answers: if not, it may register again. */
  holds(endpoint: string): boolean;
}

const rescanMs = 10_000;

export function createCsiDrivers(
  rootDir: string,
  nodeName: string,
  client: Client,
  log: Logger,
  signal: AbortSignal,
  others: readonly OtherPlugins[] = [],
): CsiDrivers {
  const directory = join(rootDir, 'plugins_registry');
  const bySocket = new Map<string, Registered>();
  /** Endpoints of the others, by the socket where they announce themselves. */
  const ofOthers = new Map<string, { plugins: OtherPlugins; endpoint: string }>();
  const resource = client.resource(csinodes);
  let nodeUid: () => string | undefined = () => undefined;
  let scanning: Promise<void> | undefined;
  let again = false;

  /** Creates or changes the object until nobody was faster. */
  async function changeNode(change: (drivers: CSINodeDriver[]) => CSINodeDriver[]): Promise<void> {
    for (;;) {
      try {
        const known = await resource.get('', nodeName);
        const drivers = change(known.spec.drivers ?? []);
        if (JSON.stringify(drivers) !== JSON.stringify(known.spec.drivers ?? [])) await resource.update({ ...known, spec: { ...known.spec, drivers } });
        return;
      } catch (error) {
        if (isConflict(error)) continue;
        if (!isNotFound(error)) throw error;
      }
      const uid = nodeUid();
      const fresh: CSINode = {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'CSINode',
        metadata: { name: nodeName, ...(uid ? { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }] } : {}) },
        spec: { drivers: change([]) },
      };
      try {
        await resource.create(fresh);
        return;
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
    }
  }

  async function register(socket: string): Promise<void> {
    const registration = unaryCaller(socket, 'pluginregistration.Registration');
    try {
      const { type, name, endpoint, supportedVersions } = await registration.call<{
        type: string;
        name: string;
        endpoint: string;
        supportedVersions: string[];
      }>('GetInfo');
      const plugins = others.find((one) => one.type === type);
      if (plugins) {
        const error = await plugins.register(name, endpoint || socket, supportedVersions).then(() => undefined, messageOf);
        if (error === undefined) ofOthers.set(socket, { plugins, endpoint: endpoint || socket });
        await registration.call('NotifyRegistrationStatus', { pluginRegistered: error === undefined, ...(error ? { error } : {}) });
        return;
      }
      if (type !== 'CSIPlugin') return;
      const driver = createCsiClient(endpoint || socket);
      try {
        const { nodeId, maxVolumesPerNode, topology } = await driver.info();
        const topologyKeys = Object.keys(topology);
        if (topologyKeys.length) await client.resource(nodes).patch('', nodeName, 'strategic', { metadata: { labels: topology } });
        const entry: CSINodeDriver = { name, nodeID: nodeId, topologyKeys, ...(maxVolumesPerNode > 0 ? { allocatable: { count: maxVolumesPerNode } } : {}) };
        await changeNode((drivers) => [...drivers.filter((other) => other.name !== name), entry]);
        bySocket.set(socket, { name, client: driver });
        await registration.call('NotifyRegistrationStatus', { pluginRegistered: true });
        log.info({ driver: name }, 'a storage driver has registered');
      } catch (error) {
        driver.close();
        await registration.call('NotifyRegistrationStatus', { pluginRegistered: false, error: messageOf(error) });
        throw error;
      }
    } finally {
      registration.close();
    }
  }

  async function unregister(socket: string, { name, client: driver }: Registered): Promise<void> {
    bySocket.delete(socket);
    driver.close();
    await changeNode((drivers) => drivers.filter((other) => other.name !== name));
    log.info({ driver: name }, 'a storage driver has left');
  }

  async function scanOnce(): Promise<void> {
    const names = (await readdir(directory)).filter((name) => name.endsWith('.sock')).map((name) => join(directory, name));
    for (const [socket, driver] of bySocket) if (!names.includes(socket)) await unregister(socket, driver);
    for (const [socket, { plugins, endpoint }] of ofOthers) {
      if (names.includes(socket) && plugins.holds(endpoint)) continue;
      ofOthers.delete(socket);
      plugins.unregister(endpoint);
    }
    for (const socket of names) {
      if (bySocket.has(socket) || ofOthers.has(socket)) continue;
      await register(socket).catch((error: unknown) => log.debug({ socket, err: messageOf(error) }, 'a plugin could not be registered'));
    }
  }

  function scan(): Promise<void> {
    again = true;
    scanning ??= (async () => {
      while (again && !signal.aborted) {
        again = false;
        await scanOnce().catch((error: unknown) => log.warn({ err: messageOf(error) }, 'looking for plugins failed'));
      }
      scanning = undefined;
    })();
    return scanning;
  }

  return {
    get: (name) => {
      for (const driver of bySocket.values()) if (driver.name === name) return driver.client;
      throw new Error(`driver name ${name} not found in the list of registered CSI drivers`);
    },
    start: async (uid) => {
      nodeUid = uid;
      await mkdir(directory, { recursive: true, mode: 0o750 });
      const watcher = watch(directory, () => void scan());
      watcher.on('error', () => {}); // looked at every few seconds anyway
      signal.addEventListener('abort', () => watcher.close(), { once: true });
      await changeNode((drivers) => drivers).catch((error: unknown) => log.warn({ err: messageOf(error) }, 'the CSINode object could not be written'));
      await scan();
      void (async () => {
        while (!signal.aborted) {
          await sleep(rescanMs, signal);
          if (!signal.aborted) await scan();
        }
      })();
    },
    stop: () => {
      for (const { client: driver } of bySocket.values()) driver.close();
      bySocket.clear();
    },
  };
}
