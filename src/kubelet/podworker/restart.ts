/** Whether a container that ended is started again. Source of the rule: restart policies of pods, KEP-5307 (rules of single containers). */
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import { isRestartableInit } from '../containers/resources.ts';
import { findContainer, type RuntimePod } from '../runtime/model.ts';

type Policy = 'Always' | 'OnFailure' | 'Never';

const policyOf = (pod: Pod, container: Container): Policy => {
  const own = container.restartPolicy as Policy | undefined;
  if (own) return own;
  const isInit = pod.spec.initContainers?.some(({ name }) => name === container.name) ?? false;
  const policy = (pod.spec.restartPolicy ?? 'Always') as Policy;
  // An init container has to end: with Always only its failures count.
  return isInit && policy === 'Always' ? 'OnFailure' : policy;
};

type RuleAction = 'Restart' | 'RestartAllContainers';

/** What the first rule that fits says. */
function ruleFor(container: Container, exitCode: number): RuleAction | undefined {
  const rule = (container.restartPolicyRules ?? []).find(({ exitCodes }) => {
    const listed = (exitCodes?.values ?? []).includes(exitCode);
    return exitCodes?.operator === 'In' ? listed : exitCodes?.operator === 'NotIn' && !listed;
  });
  return rule?.action as RuleAction | undefined;
}

/** After it ended with that code, deletion of the pod aside. */
export function restartsAfter(pod: Pod, container: Container, exitCode: number): boolean {
  if (isRestartableInit(container)) return true;
  if (ruleFor(container, exitCode)) return true;
  const policy = policyOf(pod, container);
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

/** Whether a container has ended in a way that starts the whole pod over, in its sandbox. Source of the rule: KEP-5532. */
export const restartsAll = ({ spec }: Pod, runtime: RuntimePod): boolean =>
  [...(spec.initContainers ?? []), ...spec.containers].some((container) => {
    const current = findContainer(runtime, container.name);
    return current?.state === 'exited' && ruleFor(container, current.exitCode) === 'RestartAllContainers';
  });

/** Whether any rule of the pod says so. */
export const couldRestartAll = ({ spec }: Pod): boolean =>
  [...(spec.initContainers ?? []), ...spec.containers].some(({ restartPolicyRules }) =>
    restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
  );

/** Whether the next look at the pod starts this container. */
export function shouldStart(pod: Pod, container: Container, runtime: RuntimePod): boolean {
  if (pod.metadata.deletionTimestamp) return false;
  const current = findContainer(runtime, container.name);
  if (!current) return true;
  if (current.state === 'running') return false;
  if (current.state !== 'exited') return true;
  return restartsAfter(pod, container, current.exitCode);
}

/** Whether any container of the pod may still be started anew after a failure. */
export const restartsOnFailure = (pod: Pod): boolean =>
  pod.spec.restartPolicy !== 'Never' ||
  pod.spec.containers.some((container) => container.restartPolicy !== undefined && container.restartPolicy !== 'Never') ||
  pod.spec.containers.some(({ restartPolicyRules }) => !!restartPolicyRules?.length);
