/** Validation of probes and lifecycle hooks. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, required } from '../../../../../apimachinery/fieldpath.ts';
import { validateHttpHeaderName } from '../../../../../apimachinery/names.ts';
import { checked, validateNonNegative, validatePort, validatePortOrName } from '../../../../../apimachinery/validation/common.ts';
import type { Container, HTTPGetAction, LifecycleHandler, PodSpec, Probe } from '../../types.gen.ts';

function validateHttpGet({ path: target, port, scheme = '', httpHeaders = [] }: HTTPGetAction, path: FieldPath): FieldError[] {
  const errors = target ? [] : [required(path.child('path'))];
  errors.push(...validatePortOrName(port ?? 0, path.child('port')));
  if (scheme !== 'HTTP' && scheme !== 'HTTPS') errors.push(notSupported(path.child('scheme'), scheme, ['HTTP', 'HTTPS']));
  return [...errors, ...httpHeaders.flatMap(({ name }) => checked(name, path.child('httpHeaders'), validateHttpHeaderName(name)))];
}

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<LifecycleHandler, 'sleep'>;

function handlerErrors(kind: keyof Handler, { exec, httpGet, tcpSocket, grpc, sleep }: Handler, grace: number | undefined, path: FieldPath): FieldError[] {
  switch (kind) {
    case 'exec':
      return exec?.command?.length ? [] : [required(path.child('command'))];
    case 'httpGet':
      return validateHttpGet(httpGet!, path);
    case 'tcpSocket':
      return validatePortOrName(tcpSocket!.port ?? 0, path.child('port'));
    case 'grpc':
      return validatePort(grpc!.port ?? 0, path.child('port'));
    case 'sleep': {
      const seconds = sleep!.seconds ?? 0;
      if (grace === undefined || (seconds >= 0 && seconds <= grace)) return [];
      return [invalidValue(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${grace})`)];
    }
  }
}

const handlerKinds = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

function validateHandler(handler: Handler, grace: number | undefined, path: FieldPath): FieldError[] {
  const [first, ...more] = handlerKinds.filter((kind) => handler[kind] !== undefined);
  if (!first) return [required(path, 'must specify a handler type')];
  const errors = handlerErrors(first, handler, grace, path.child(first));
  return [...errors, ...more.map((kind) => forbiddenField(path.child(kind), 'may not specify more than 1 handler type'))];
}

const counts = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const;

function validateProbe(probe: Probe, grace: number | undefined, path: FieldPath): FieldError[] {
  const errors = validateHandler(probe, grace, path);
  errors.push(...counts.flatMap((field) => validateNonNegative(probe[field], path.child(field))));
  const { terminationGracePeriodSeconds: own } = probe;
  if (own !== undefined && own <= 0) errors.push(invalidValue(path.child('terminationGracePeriodSeconds'), own, 'must be greater than 0'));
  return errors;
}

/** The three probes of a container that may have them. */
export function validateProbes(container: Container, grace: number | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const once = (field: 'livenessProbe' | 'startupProbe'): void => {
    const probe = container[field];
    if (!probe) return;
    errors.push(...validateProbe(probe, grace, path.child(field)));
    if (probe.successThreshold !== 1) errors.push(invalidValue(path.child(field, 'successThreshold'), probe.successThreshold ?? 0, 'must be 1'));
  };
  once('livenessProbe');
  const { readinessProbe } = container;
  if (readinessProbe) {
    const at = path.child('readinessProbe');
    errors.push(...validateProbe(readinessProbe, grace, at));
    const own = readinessProbe.terminationGracePeriodSeconds;
    if (own !== undefined) errors.push(invalidValue(at.child('terminationGracePeriodSeconds'), own, 'must not be set for readinessProbes'));
  }
  once('startupProbe');
  return errors;
}

const plainSignals = `ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG
  USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX`.split(/\s+/);
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const linuxSignals: readonly string[] = [
  ...plainSignals.map((name) => `SIG${name}`),
  ...range(15).map((offset) => `SIGRTMIN+${offset}`),
  ...range(14).map((offset) => `SIGRTMAX-${offset}`),
].sort();
const windowsSignals: readonly string[] = ['SIGKILL', 'SIGTERM'];

function validateStopSignal(signal: string, os: PodSpec['os'], path: FieldPath): FieldError[] {
  if (!os) return [forbiddenField(path, 'may not be set for containers with empty `spec.os.name`')];
  const supported = os.name === 'windows' ? windowsSignals : os.name === 'linux' ? linuxSignals : undefined;
  return supported && !supported.includes(signal) ? [notSupported(path, signal, supported)] : [];
}

export function validateLifecycle({ lifecycle }: Container, os: PodSpec['os'], grace: number | undefined, path: FieldPath): FieldError[] {
  if (!lifecycle) return [];
  const { postStart, preStop, stopSignal } = lifecycle;
  return [
    ...(postStart ? validateHandler(postStart, grace, path.child('postStart')) : []),
    ...(preStop ? validateHandler(preStop, grace, path.child('preStop')) : []),
    ...(stopSignal !== undefined ? validateStopSignal(stopSignal, os, path.child('stopSignal')) : []),
  ];
}
