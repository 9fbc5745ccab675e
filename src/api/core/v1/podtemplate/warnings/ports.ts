/** Ports of a pod that stand in each other's way. */
import type { FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { quote } from '../../../../../apimachinery/fieldpath.ts';
import { podContainers } from '../../pod/conditions.ts';
import type { ContainerPort, PodSpec } from '../../types.gen.ts';

interface Placed {
  port: ContainerPort;
  at: FieldPath;
}

function conflict(port: ContainerPort, other: ContainerPort): string | undefined {
  const [ip, otherIp] = [port.hostIP ?? '', other.hostIP ?? ''];
  const [host, otherHost] = [port.hostPort ?? 0, other.hostPort ?? 0];
  if (ip === otherIp && host === otherHost) return 'duplicate';
  if (host === 0 || otherHost === 0) return 'overlapping';
  // On every address, and on one: who gets the traffic depends on the implementation.
  return host === otherHost && (ip === '') !== (otherIp === '') ? 'dangerously ambiguous' : undefined;
}

const fieldsOf = ({ name = '', hostPort = 0, containerPort, protocol = '', hostIP = '' }: ContainerPort): string =>
  `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;

export function portWarnings(spec: PodSpec, path: FieldPath): string[] {
  const warnings: string[] = [];
  const all = new Map<string, Placed[]>();
  const ports: Placed[] = [];
  for (const { container, type, index } of podContainers(spec)) {
    for (const [position, port] of (container.ports ?? []).entries()) {
      ports.push({ port, at: path.child(type).index(index).child('ports').index(position) });
    }
  }
  if (ports.length === 0) return warnings;
  for (const { port, at } of ports) {
    if (port.hostIP && !port.hostPort) warnings.push(`${at}: hostIP set without hostPort: ${fieldsOf(port)}`);
    const key = `${port.containerPort}/${port.protocol}`;
    const others = all.get(key) ?? [];
    for (const other of others) {
      const what = conflict(port, other.port);
      if (what) warnings.push(`${at}: ${what} port definition with ${other.at}`);
    }
    all.set(key, [...others, { port, at }]);
  }
  const names = new Map<string, FieldPath>();
  for (const { port, at } of ports) {
    if (!port.name) continue;
    const other = names.get(port.name);
    if (other) warnings.push(`${at}: duplicate port name ${quote(port.name)} with ${other}, services and probes that select ports by name will use ${other}`);
    else names.set(port.name, at);
  }
  return warnings;
}
