/** Validation of a service's ports. */

import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, forbiddenField, notSupported, path, required } from '../../../../apimachinery/fieldpath.ts';
import { validateDnsLabelField, validatePort, validatePortOrName, validateQualifiedNameField } from '../../../../apimachinery/validation/common.ts';
import type { Service, ServicePort } from '../types.gen.ts';

export const portProtocols: readonly string[] = ['TCP', 'UDP', 'SCTP'];

function validatePortFields(port: ServicePort, nameRequired: boolean, names: Set<string>, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (port.name) {
    errors.push(...validateDnsLabelField(port.name, at.child('name')));
    if (names.has(port.name)) errors.push(duplicate(at.child('name'), port.name));
    names.add(port.name);
  } else if (nameRequired) errors.push(required(at.child('name')));
  errors.push(...validatePort(port.port, at.child('port')));
  if (!port.protocol) errors.push(required(at.child('protocol')));
  else if (!portProtocols.includes(port.protocol)) errors.push(notSupported(at.child('protocol'), port.protocol, portProtocols));
  errors.push(...validatePortOrName(port.targetPort ?? 0, at.child('targetPort')));
  if (port.appProtocol !== undefined) errors.push(...validateQualifiedNameField(port.appProtocol, at.child('appProtocol')));
  return errors;
}

const portsPath = path('spec', 'ports');

/** Each port on its own, and their names. */
export function validatePorts({ spec }: Service): FieldError[] {
  const ports = spec?.ports ?? [];
  const names = new Set<string>();
  return ports.flatMap((port, index) => validatePortFields(port, ports.length > 1, names, portsPath.index(index)));
}

/** Node ports where there may be none, and numbers that are used twice. */
export function validatePortNumbers({ spec }: Service): FieldError[] {
  const ports = spec?.ports ?? [];
  const errors: FieldError[] = [];
  if (spec?.type === 'ClusterIP') {
    for (const [index, { nodePort }] of ports.entries()) {
      if (nodePort) errors.push(forbiddenField(portsPath.index(index).child('nodePort'), "may not be used when `type` is 'ClusterIP'"));
    }
  }
  const nodePorts = new Set<string>();
  for (const [index, { protocol, nodePort }] of ports.entries()) {
    if (!nodePort) continue;
    const key = `${protocol}/${nodePort}`;
    if (nodePorts.has(key)) errors.push(duplicate(portsPath.index(index).child('nodePort'), nodePort));
    nodePorts.add(key);
  }
  const numbers = new Set<string>();
  for (const [index, { protocol, port }] of ports.entries()) {
    const key = `${protocol}/${port}`;
    // Shown as upstream shows the fields of its internal type.
    const shown = { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
    if (numbers.has(key)) errors.push(duplicate(portsPath.index(index), shown));
    numbers.add(key);
  }
  return errors;
}
