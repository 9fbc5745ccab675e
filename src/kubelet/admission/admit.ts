/** Whether this node takes a pod that was bound to it: what the scheduler checks too, since bindings may come from anybody. */
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod, Taint, Toleration } from '../../api/core/v1/types.gen.ts';
import { milliValue, value } from '../../apimachinery/quantity.ts';
import { bytesOf, milliCpu, podTotals } from '../containers/resources.ts';
import { forbiddenSysctl } from './sysctls.ts';

export interface Refusal {
  reason: string;
  message: string;
}

export interface AdmissionInput {
  pod: Pod;
  node: Node;
  /** Those that hold resources of the node. */
  others: readonly Pod[];
  /** Devices that pods have, this one included: no less is there, whatever becomes of their plugins. */
  inUse?: Readonly<Record<string, number>>;
  allowedUnsafeSysctls: readonly string[];
  supplementalGroupsPolicy: boolean;
  /** The kernel enforces AppArmor profiles. */
  appArmor: boolean;
}

const predicate = (name: string, why: string): Refusal => ({ reason: name, message: `Predicate ${name} failed: ${why}` });

export function admitPod({ pod, node, others, inUse = {}, allowedUnsafeSysctls, supplementalGroupsPolicy, appArmor }: AdmissionInput): Refusal | undefined {
  const sysctl = forbiddenSysctl(pod, allowedUnsafeSysctls);
  if (sysctl) return { reason: 'SysctlForbidden', message: `forbidden sysctl: ${sysctl}` };
  if (pod.spec.os && pod.spec.os.name !== 'linux') return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" };
  if (pod.spec.securityContext?.supplementalGroupsPolicy === 'Strict' && !supplementalGroupsPolicy) {
    return { reason: 'SupplementalGroupsPolicyNotSupported', message: 'SupplementalGroupsPolicy=Strict is not supported in this node' };
  }
  if (!appArmor && wantsAppArmor(pod)) return { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' };
  return (
    insufficient(pod, node, others, inUse) ??
    (matchesNode(pod, node) ? undefined : predicate('NodeAffinity', "node(s) didn't match Pod's node affinity/selector")) ??
    (portsFree(pod, others) ? undefined : predicate('NodePorts', "node(s) didn't have free ports for the requested pod ports")) ??
    (tolerated(pod.spec.tolerations ?? [], node.spec.taints ?? [])
      ? undefined
      : predicate('TaintToleration', "node(s) had taints that the pod didn't tolerate"))
  );
}

const wantsAppArmor = ({ spec }: Pod): boolean =>
  [spec, ...(spec.initContainers ?? []), ...spec.containers].some(
    ({ securityContext }) => (securityContext?.appArmorProfile?.type ?? 'Unconfined') !== 'Unconfined',
  );

const outOf: Record<string, string> = { cpu: 'OutOfcpu', memory: 'OutOfmemory', 'ephemeral-storage': 'OutOfephemeral-storage', pods: 'OutOfpods' };
const lacks = (resource: string, requested: number, used: number, capacity: number): Refusal => ({
  reason: outOf[resource] ?? `OutOf${resource}`,
  message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
});

/** Whether a pod that runs here can have what it now asks for; `others` are the rest. */
export function resizeRefusal(pod: Pod, node: Node, others: readonly Pod[]): { reason: 'Deferred' | 'Infeasible'; message: string } | undefined {
  const alone = insufficient(pod, node, []);
  if (alone)
    return { reason: 'Infeasible', message: `Node didn't have enough capacity: ${alone.message.replace(/^.*resource: /, '').replace(/, used: 0/, '')}` };
  const refusal = insufficient(pod, node, others);
  return refusal && { reason: 'Deferred', message: refusal.message };
}

/** What the node has not got for a pod beside the others. */
export function insufficient(pod: Pod, node: Node, others: readonly Pod[], inUse: Readonly<Record<string, number>> = {}): Refusal | undefined {
  const allocatable = node.status?.allocatable ?? {};
  const pods = value(allocatable['pods'] ?? '110');
  if (others.length + 1 > pods) return lacks('pods', 1, others.length, pods);
  const names = new Set([...(pod.spec.initContainers ?? []), ...pod.spec.containers].flatMap(({ resources }) => Object.keys(resources?.requests ?? {})));
  for (const name of new Set(['cpu', 'memory', 'ephemeral-storage', ...names])) {
    const amount = allocatable[name];
    // What the node does not know at all is somebody else's business: cluster-level resources.
    if (amount === undefined) continue;
    const read = name === 'cpu' ? milliCpu : (list: Record<string, string | number> | undefined): number => bytesOf(list, name);
    const requested = podTotals(pod, 'requests', read);
    if (requested === 0) continue;
    const used = others.reduce((sum, other) => sum + podTotals(other, 'requests', read), 0);
    const capacity = name === 'cpu' ? milliValue(amount) : Math.max(value(amount), inUse[name] ?? 0);
    if (requested > capacity - used) return lacks(name, requested, used, capacity);
  }
  return undefined;
}

function requirementHolds({ key, operator, values = [] }: NodeSelectorRequirement, map: Readonly<Record<string, string>>): boolean {
  const present = Object.hasOwn(map, key);
  const found = map[key] ?? '';
  switch (operator) {
    case 'In':
      return present && values.includes(found);
    case 'NotIn':
      return !present || !values.includes(found);
    case 'Exists':
      return present;
    case 'DoesNotExist':
      return !present;
    case 'Gt':
      return present && /^-?\d+$/.test(found) && Number(found) > Number(values[0]);
    case 'Lt':
      return present && /^-?\d+$/.test(found) && Number(found) < Number(values[0]);
    default:
      return false;
  }
}

function termHolds({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((one) => requirementHolds(one, node.metadata.labels ?? {})) &&
    matchFields.every((one) => requirementHolds(one, { 'metadata.name': node.metadata.name }))
  );
}

export function matchesNode(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(pod.spec.nodeSelector ?? {}).every(([key, text]) => labels[key] === text)) return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || required.nodeSelectorTerms.some((term) => termHolds(term, node));
}

const hostPorts = (pod: Pod): { ip: string; port: number; protocol: string }[] =>
  [...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'), ...pod.spec.containers].flatMap(({ ports = [] }) =>
    ports.filter(({ hostPort }) => hostPort).map(({ hostPort = 0, hostIP, protocol = 'TCP' }) => ({ ip: hostIP || '0.0.0.0', port: hostPort, protocol })),
  );

export function portsFree(pod: Pod, others: readonly Pod[]): boolean {
  const any = '0.0.0.0';
  const taken = others.flatMap(hostPorts);
  return hostPorts(pod).every(
    ({ ip, port, protocol }) =>
      !taken.some((other) => other.port === port && other.protocol === protocol && (other.ip === ip || other.ip === any || ip === any)),
  );
}

function tolerates({ key = '', operator = 'Equal', value: wanted = '', effect = '' }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return key !== '' && wanted === (taint.value ?? '');
}

/** The kubelet cares for `NoExecute` alone. */
const tolerated = (tolerations: readonly Toleration[], taints: readonly Taint[]): boolean =>
  taints.filter(({ effect }) => effect === 'NoExecute').every((taint) => tolerations.some((toleration) => tolerates(toleration, taint)));
