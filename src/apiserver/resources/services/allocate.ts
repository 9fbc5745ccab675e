/** What a service gets from the cluster when it is written: addresses and ports; and what it gives back. */
import { needsHealthCheckNodePort } from '../../../api/core/v1/service/rules.ts';
import type { Service, ServicePort } from '../../../api/core/v1/types.gen.ts';
import { internalError, invalid, StatusError } from '../../../apimachinery/errors.ts';
import { invalidValue, path } from '../../../apimachinery/fieldpath.ts';
import type { ResourceHooks } from '../../contracts.ts';
import type { AddressAllocator } from './addresses.ts';
import { AddressError } from './addresses.ts';
import type { Family } from './families.ts';
import { initFamilies, keepsPreference, noAddress } from './families.ts';
import type { PortAllocator } from './nodeports.ts';
import { PortError } from './nodeports.ts';

/** What one write took so far, and what it will give back when it succeeded. */
interface Transaction {
  addresses: string[];
  ports: number[];
  freeAddresses: string[];
  freePorts: number[];
  dryRun: boolean;
}

export const hasClusterIps = ({ spec }: Service): boolean =>
  spec?.type !== 'ExternalName' && (spec?.clusterIPs?.length ?? 0) > 0 && spec?.clusterIPs?.[0] !== noAddress;

export const addressesOf = (service: Service): readonly string[] =>
  hasClusterIps(service) ? (service.spec?.clusterIPs ?? []).filter((one) => one !== '') : [];

const nodePortsOf = ({ spec }: Service): number[] => (spec?.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : []));

/** Node ports and the health check's port. */
export function portsOf(service: Service): number[] {
  const { type, healthCheckNodePort = 0 } = service.spec ?? {};
  const ports = type === 'NodePort' || type === 'LoadBalancer' ? nodePortsOf(service) : [];
  return [...new Set(needsHealthCheckNodePort(service) && healthCheckNodePort > 0 ? [...ports, healthCheckNodePort] : ports)];
}

export function serviceHooks(addresses: AddressAllocator, ports: PortAllocator, onError: (error: unknown, service: Service) => void): ResourceHooks<Service> {
  async function undo({ addresses: taken, ports: takenPorts, dryRun }: Transaction): Promise<void> {
    if (dryRun) return;
    await Promise.all([...taken.map((one) => addresses.release(one)), ...takenPorts.map((one) => ports.release(one))]);
  }

  async function giveBack(service: Service, freedAddresses: readonly string[], freedPorts: readonly number[]): Promise<void> {
    try {
      await Promise.all([...freedAddresses.map((one) => addresses.release(one)), ...freedPorts.map((one) => ports.release(one))]);
    } catch (error) {
      // What stays reserved for nobody is found by the repair loop.
      onError(error, service);
    }
  }

  async function allocateAddresses(service: Service, old: Service | undefined, transaction: Transaction): Promise<void> {
    service.spec ??= {};
    const { spec } = service;
    if (keepsPreference(service, old)) return;
    if (spec.type === 'ExternalName') {
      if (old) transaction.freeAddresses.push(...addressesOf(old));
      return;
    }
    if (old && old.spec?.type !== 'ExternalName') {
      if (old.spec?.clusterIPs?.[0] === noAddress) return;
      const [before, after] = [old.spec?.ipFamilies ?? [], spec.ipFamilies ?? []];
      if (before.length === 2 && after.length === 1) transaction.freeAddresses.push(...(old.spec?.clusterIPs ?? []).slice(1));
      if (!(before.length === 1 && after.length === 2)) return;
    }
    if (spec.clusterIPs?.[0] === noAddress) return;
    const held = new Set(old ? addressesOf(old) : []);
    const clusterIPs = [...(spec.clusterIPs ?? [])];
    for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
      const wanted = clusterIPs[index] ?? '';
      if (wanted !== '' && held.has(wanted)) continue;
      const address = await take(service, family as Family, wanted, transaction);
      clusterIPs[index] = address;
    }
    spec.clusterIPs = clusterIPs;
    spec.clusterIP = clusterIPs[0] ?? '';
  }

  async function take(service: Service, family: Family, wanted: string, transaction: Transaction): Promise<string> {
    try {
      const address = await addresses.allocate(service, family, wanted, transaction.dryRun);
      transaction.addresses.push(address);
      return address;
    } catch (error) {
      const { name } = service.metadata;
      if (error instanceof AddressError && error.full)
        throw internalError(new Error(`failed to allocate a serviceIP for Service ${JSON.stringify(name)}: ${error.message}`));
      if (!(error instanceof AddressError) && !(error instanceof StatusError)) throw error;
      const what = wanted === '' ? 'failed to allocate IP' : `failed to allocate IP ${wanted}`;
      throw invalid({ group: '', kind: 'Service' }, name, [
        invalidValue(path('spec', 'clusterIPs'), service.spec?.clusterIPs ?? null, `${what}: ${error.message}`),
      ]);
    }
  }

  async function reservePort(service: Service, port: number, index: number, transaction: Transaction): Promise<void> {
    try {
      if (transaction.ports.includes(port)) throw new PortError('provided port is already allocated');
      await ports.reserve(port, transaction.dryRun);
      transaction.ports.push(port);
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      const field = path('spec', 'ports').index(index).child('nodePort');
      throw invalid({ group: '', kind: 'Service' }, service.metadata.name, [invalidValue(field, port, error.message)]);
    }
  }

  async function anyPort(what: string, transaction: Transaction): Promise<number> {
    try {
      const port = await ports.allocate(transaction.dryRun);
      transaction.ports.push(port);
      return port;
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      throw internalError(new Error(`failed to allocate a ${what}: ${error.message}`));
    }
  }

  async function allocatePorts(service: Service, old: Service | undefined, transaction: Transaction): Promise<void> {
    const { spec = {} } = service;
    const held = new Set(old ? portsOf(old) : []);
    const wantsPorts = spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
    if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') {
      // One port number under several protocols gets one node port.
      const byPort = new Map<number, number>();
      for (const [index, port] of (spec.ports ?? []).entries()) {
        const shared: number | undefined = byPort.get(port.port) ?? (old ? undefined : requestedFor(port, spec.ports ?? []));
        const asked = port.nodePort;
        if (!asked && wantsPorts) port.nodePort = shared ?? (await anyPort('nodePort', transaction));
        if (!port.nodePort) continue;
        const taken = held.has(port.nodePort) || (old || !asked ? transaction.ports.includes(port.nodePort) : byPort.get(port.port) === port.nodePort);
        if (!taken) await reservePort(service, port.nodePort, index, transaction);
        if (!old) byPort.set(port.port, port.nodePort);
      }
    }
    if (needsHealthCheckNodePort(service)) await allocateHealthCheck(service, held, transaction);
    const now = new Set(portsOf(service));
    transaction.freePorts.push(...[...held].filter((port) => !now.has(port)));
  }

  async function allocateHealthCheck({ spec = {} }: Service, held: ReadonlySet<number>, transaction: Transaction): Promise<void> {
    const wanted = spec.healthCheckNodePort ?? 0;
    if (wanted === 0) {
      spec.healthCheckNodePort = await anyPort('HealthCheck NodePort 0', transaction);
      return;
    }
    if (held.has(wanted)) return;
    try {
      await ports.reserve(wanted, transaction.dryRun);
      transaction.ports.push(wanted);
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      throw internalError(new Error(`failed to allocate requested HealthCheck NodePort ${wanted}: ${error.message}`));
    }
  }

  return {
    async beginWrite(service, old, dryRun) {
      const transaction: Transaction = { addresses: [], ports: [], freeAddresses: [], freePorts: [], dryRun };
      initFamilies(service, old, addresses.families);
      try {
        await allocateAddresses(service, old, transaction);
        await allocatePorts(service, old, transaction);
      } catch (error) {
        await undo(transaction);
        throw error;
      }
      return {
        rollback: () => undo(transaction),
        commit() {
          if (!dryRun) void giveBack(service, transaction.freeAddresses, transaction.freePorts);
        },
      };
    },
    afterDelete: (service) => giveBack(service, addressesOf(service), portsOf(service)),
  };
}

const requestedFor = ({ port }: ServicePort, ports: readonly ServicePort[]): number | undefined =>
  ports.find((one) => one.port === port && one.nodePort)?.nodePort;
