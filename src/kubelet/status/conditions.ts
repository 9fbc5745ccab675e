/** The conditions of a pod that its kubelet owns. */
import type { ContainerStatus, Pod, PodCondition } from '../../api/core/v1/types.gen.ts';
import { isRestartableInit } from '../containers/resources.ts';

export const ownedConditions = [
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
  'PodResizePending',
  'PodResizeInProgress',
  'AllContainersRestarting',
];

type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>;

const yes: Verdict = { status: 'True' };
const no = (reason: string, message?: string): Verdict => ({ status: 'False', reason, ...(message ? { message } : {}) });
const listed = (names: readonly string[]): string => `[${names.join(' ')}]`;

function sortOut(
  containers: readonly { name: string }[],
  statuses: readonly ContainerStatus[],
  good: (status: ContainerStatus) => boolean,
): { unknown: string[]; bad: string[] } {
  const unknown: string[] = [];
  const bad: string[] = [];
  for (const { name } of containers) {
    const status = statuses.find((one) => one.name === name);
    if (!status) unknown.push(name);
    else if (!good(status)) bad.push(name);
  }
  return { unknown, bad };
}

const complaint = (unknown: string[], bad: string[], word: string): string =>
  [
    ...(unknown.length ? [`containers with unknown status: ${listed(unknown)}`] : []),
    ...(bad.length ? [`containers with ${word} status: ${listed(bad)}`] : []),
  ].join(', ');

export function containersReady(pod: Pod, statuses: readonly ContainerStatus[], phase: string): Verdict {
  const counted = [...(pod.spec.initContainers ?? []).filter(isRestartableInit), ...pod.spec.containers];
  const { unknown, bad } = sortOut(counted, statuses, ({ ready }) => ready);
  if (phase === 'Succeeded' && unknown.length === 0) return no('PodCompleted');
  if (phase === 'Failed') return no('PodFailed');
  const message = complaint(unknown, bad, 'unready');
  return message ? no('ContainersNotReady', message) : yes;
}

/** `conditions` hold those that readiness gates name. */
export function podReady(pod: Pod, conditions: readonly PodCondition[], ofContainers: Verdict): Verdict {
  if (ofContainers.status !== 'True') return ofContainers;
  const messages = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = conditions.find(({ type }) => type === conditionType);
    if (!gate) return `corresponding condition of pod readiness gate "${conditionType}" does not exist.`;
    return gate.status === 'True' ? [] : `the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`;
  });
  return messages.length ? no('ReadinessGatesNotReady', messages.join(', ')) : yes;
}

export function podInitialized(pod: Pod, statuses: readonly ContainerStatus[], phase: string): Verdict {
  const inits = pod.spec.initContainers ?? [];
  const restartable = new Set(inits.filter(isRestartableInit).map(({ name }) => name));
  const { unknown, bad } = sortOut(inits, statuses, (status) => (restartable.has(status.name) ? (status.started ?? false) : status.ready));
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'True', reason: 'PodCompleted' };
  const anyStarted = pod.spec.containers.some(({ name }) => {
    const status = statuses.find((one) => one.name === name);
    return status?.started === true || status?.lastState?.terminated !== undefined || status?.state?.terminated !== undefined;
  });
  if (anyStarted) return yes;
  const message = complaint(unknown, bad, 'incomplete');
  return message ? no('ContainersNotInitialized', message) : yes;
}

export interface ConditionInput {
  pod: Pod;
  /** Init containers' first. */
  statuses: readonly ContainerStatus[];
  phase: string;
  sandboxReady: boolean;
  /** Conditions as they were reported last. */
  previous: readonly PodCondition[];
  now: string;
}

/** All conditions: those of others as they are, ours as things stand. */
export function podConditions({ pod, statuses, phase, sandboxReady, previous, now }: ConditionInput): PodCondition[] {
  const others = (pod.status?.conditions ?? []).filter(({ type }) => !ownedConditions.includes(type));
  const ready = containersReady(pod, statuses, phase);
  const own: [string, Verdict][] = [
    ['PodReadyToStartContainers', sandboxReady ? yes : { status: 'False' }],
    ['Initialized', podInitialized(pod, statuses, phase)],
    ['Ready', podReady(pod, others, ready)],
    ['ContainersReady', ready],
    ['PodScheduled', yes],
  ];
  const observedGeneration = pod.metadata.generation;
  return [
    ...own.map(([type, verdict]): PodCondition => {
      const old = previous.find((condition) => condition.type === type);
      const lastTransitionTime = old?.status === verdict.status && old.lastTransitionTime ? old.lastTransitionTime : now;
      return { type, ...verdict, lastTransitionTime, ...(observedGeneration === undefined ? {} : { observedGeneration }) };
    }),
    ...others,
  ];
}
