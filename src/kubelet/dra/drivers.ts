/**
 * Drivers of dynamic resources that run on this node. One that does not come back takes its ResourceSlices with it, so that
 * nothing more is allocated that nobody can prepare. Source of the rule: KEP-4381, and upstream's `dra_plugin_manager.go`.
 */
import * as grpc from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { resourceslices } from '../../api/resource/v1/resourceslice.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import type { Client } from '../../client/client.ts';
import { messageOf } from '../context.ts';
import type { OtherPlugins } from '../csi/drivers.ts';
import { callerOf, definitionOf } from '../grpc.ts';
import { sleep } from '../runtime/pleg.ts';
import { type ClaimRequest, fullName, messages, type PreparedDevice, type ServiceName, services } from './messages.ts';

export interface DraDriver {
  name: string;
  /** Answers by the claims' UIDs. */
  prepare(claims: readonly ClaimRequest[]): Promise<Record<string, { devices: PreparedDevice[]; error: string }>>;
  unprepare(claims: readonly ClaimRequest[]): Promise<Record<string, { error: string }>>;
}

export interface DraDrivers extends OtherPlugins {
  /** Throws when none of that name has registered. */
  get(name: string): DraDriver;
  /** Slices of before this kubelet's start are removed: drivers that still run publish theirs again. */
  start(): Promise<void>;
  stop(): void;
}

export interface DraDriversInput {
  client: Client;
  nodeName: string;
  log: Logger;
  signal: AbortSignal;
  /** How long a driver may be away; upstream's half a minute by default. */
  wipeMs?: number;
}

interface Registered {
  driver: DraDriver;
  endpoint: string;
  connected: boolean;
  close(): void;
}

const callMs = 45_000;
const retryMs = { first: 1_000, last: 300_000 };
const quoted = (names: readonly string[]): string => `[${names.map((name) => JSON.stringify(name)).join(' ')}]`;

function chosenService(name: string, endpoint: string, supported: readonly string[]): ServiceName {
  const found = supported.find((one): one is ServiceName => services.includes(one as ServiceName));
  if (found) return found;
  const why = supported.length
    ? `none of services supported by the plugin (${quoted(supported)}) are supported by the kubelet (${quoted(services)})`
    : 'empty list of supported gRPC services (aka supported versions)';
  throw new Error(`invalid supported gRPC versions of DRA driver plugin ${name} at endpoint ${endpoint}: ${why}`);
}

export function createDraDrivers({ client, nodeName, log, signal, wipeMs = 30_000 }: DraDriversInput): DraDrivers {
  /** Latest last: an update may have two of one name for a while. */
  const registered: Registered[] = [];
  const wipes = new Map<string, NodeJS.Timeout>();
  const slices = client.resource(resourceslices);
  const named = (name: string): Registered[] => registered.filter(({ driver }) => driver.name === name);

  async function wipe(driver?: string): Promise<void> {
    const fieldSelector = `spec.nodeName=${nodeName}${driver ? `,spec.driver=${driver}` : ''}`;
    for (let wait = retryMs.first; !signal.aborted; wait = Math.min(wait * 2, retryMs.last)) {
      try {
        await slices.deleteCollection('', { fieldSelector });
        return;
      } catch (error) {
        if (isNotFound(error)) return;
        log.debug({ driver, err: messageOf(error) }, "a driver's resource slices could not be removed");
      }
      await sleep(wait, signal);
    }
  }

  /** A driver that nobody can reach has a while to come back. */
  function check(name: string): void {
    if (named(name).some(({ connected }) => connected)) {
      clearTimeout(wipes.get(name));
      wipes.delete(name);
    } else if (!wipes.has(name) && !signal.aborted) {
      const timer = setTimeout(() => {
        wipes.delete(name);
        void wipe(name);
      }, wipeMs);
      wipes.set(name, timer.unref());
    }
  }

  function connect(name: string, endpoint: string, service: ServiceName): Registered {
    const connection = new grpc.Client(endpoint.startsWith('/') ? `unix://${endpoint}` : endpoint, grpc.credentials.createInsecure(), {
      'grpc.max_reconnect_backoff_ms': 5_000,
    });
    const call = callerOf(connection, definitionOf(messages, fullName(service)), callMs);
    const channel = connection.getChannel();
    let closed = false;
    const one: Registered = {
      endpoint,
      connected: false,
      driver: {
        name,
        prepare: async (claims) =>
          (await call<{ claims: Record<string, { devices: PreparedDevice[]; error: string }> }>('NodePrepareResources', { claims })).claims,
        unprepare: async (claims) => (await call<{ claims: Record<string, { error: string }> }>('NodeUnprepareResources', { claims })).claims,
      },
      close: () => {
        closed = true;
        connection.close();
      },
    };
    const follow = (): void => {
      if (closed) return;
      const state = channel.getConnectivityState(true);
      one.connected = state === grpc.connectivityState.READY;
      check(name);
      channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, () => setImmediate(follow));
    };
    registered.push(one);
    follow();
    return one;
  }

  return {
    type: 'DRAPlugin',
    register: async (name, endpoint, versions) => {
      const service = chosenService(name, endpoint, versions);
      if (named(name).some((one) => one.endpoint === endpoint)) throw new Error(`endpoint ${endpoint} already registered for DRA driver plugin ${name}`);
      connect(name, endpoint, service);
      log.info({ driver: name }, 'a driver of dynamic resources has registered');
    },
    unregister: (endpoint) => {
      for (const one of registered.filter((other) => other.endpoint === endpoint)) {
        registered.splice(registered.indexOf(one), 1);
        one.close();
        check(one.driver.name);
        log.info({ driver: one.driver.name }, 'a driver of dynamic resources has left');
      }
    },
    // As long as its socket is there it may come back by itself.
    holds: (endpoint) => registered.some((one) => one.endpoint === endpoint),
    get: (name) => {
      const all = named(name);
      const found = all.findLast(({ connected }) => connected) ?? all.at(-1);
      if (!found) throw new Error(`DRA driver ${name} is not registered`);
      return found.driver;
    },
    start: () => wipe(),
    stop: () => {
      for (const timer of wipes.values()) clearTimeout(timer);
      for (const one of registered) one.close();
    },
  };
}
