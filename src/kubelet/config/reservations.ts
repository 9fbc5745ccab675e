/** What a configuration says of CPUs, memory and topology must make sense before anything starts; the words are upstream's. */
import { value } from '../../apimachinery/quantity.ts';
import { cpuOptionsOf } from '../resources/cpuoptions.ts';
import { parseCpuSet } from '../resources/cpuset.ts';
import { topologyOptionsOf } from '../resources/topologyoptions.ts';
import type { KubeletConfiguration } from './fields.ts';

const messageOf = (check: () => unknown): string | undefined => {
  try {
    check();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

function enforcementProblems(values: readonly string[]): string[] {
  const where = 'enforceNodeAllocatable (--enforce-node-allocatable)';
  return values.flatMap((one, index) => {
    if (values.indexOf(one) !== index) return [`duplicated enforcements "${one}" in ${where}`];
    if (one === 'none') return values.length > 1 ? [`${where} may not contain additional enforcements when "none" is specified`] : [];
    if (one === 'pods') return [];
    const [, kind] = /^(system|kube)-reserved(?:-compressible)?$/.exec(one) ?? [];
    if (kind) {
      const flag = `${kind}ReservedCgroup (--${kind}-reserved-cgroup)`;
      return [`${flag} must be specified when "${kind}-reserved" or "${kind}-reserved-compressible" included in ${where}`];
    }
    const valid = '"pods", "system-reserved", "system-reserved-compressible", "kube-reserved", "kube-reserved-compressible" or "none"';
    return [`option "${one}" specified for ${where}. Valid options are ${valid}`];
  });
}

function memoryProblems(reservations: KubeletConfiguration['reservedMemory']): string[] {
  const seen = new Set<string>();
  return reservations.flatMap(({ numaNode, limits }) =>
    Object.entries(limits).flatMap(([name, amount]) => {
      const where = `NUMA node ${numaNode} and resource "${name}"`;
      const found: string[] = [];
      if (name !== 'memory' && !name.startsWith('hugepages-'))
        found.push(`the limit type "${name}" for NUMA node ${numaNode} is not supported, only [memory hugepages-<HugePageSize>] is accepted`);
      if (value(amount) === 0) found.push(`reserved memory may not be zero for ${where}`);
      if (seen.has(where)) found.push(`the reserved memory has a duplicate value for ${where}`);
      seen.add(where);
      return found;
    }),
  );
}

/** Everything that is wrong, without the words before it. */
export function reservationProblems(config: KubeletConfiguration): string[] {
  const cpus = messageOf(() => parseCpuSet(config.reservedSystemCPUs));
  const options = [messageOf(() => cpuOptionsOf(config.cpuManagerPolicyOptions)), messageOf(() => topologyOptionsOf(config.topologyManagerPolicyOptions))];
  return [
    ...enforcementProblems(config.enforceNodeAllocatable),
    ...(cpus === undefined ? [] : [`unable to parse reservedSystemCPUs (--reserved-cpus) ${config.reservedSystemCPUs}, error: ${cpus}`]),
    ...memoryProblems(config.reservedMemory),
    ...options.filter((problem) => problem !== undefined),
  ];
}
