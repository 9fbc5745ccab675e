/** Whether a container starts again after it ended. Source of the rule: KEP-5307 (container restart rules). */
import type { Container, ContainerRestartRule, PodSpec } from '../types.gen.ts';

/** The first rule that speaks of this exit code. */
export function matchingRestartRule({ restartPolicyRules }: Container, exitCode: number): ContainerRestartRule | undefined {
  return restartPolicyRules?.find(({ exitCodes }) => exitCodes && (exitCodes.values ?? []).includes(exitCode) === (exitCodes.operator === 'In'));
}

/** The container's own rules, then its own policy, then the pod's. */
export function containerShouldRestart(container: Container, spec: PodSpec, exitCode: number): boolean {
  const action = container.restartPolicy === undefined ? undefined : matchingRestartRule(container, exitCode)?.action;
  if (action === 'Restart' || action === 'RestartAllContainers') return true;
  const policy = container.restartPolicy ?? spec.restartPolicy;
  return policy === 'Never' ? false : policy !== 'OnFailure' || exitCode !== 0;
}

/** Some container may, by ending, start all of them again. */
export const allContainersCouldRestart = ({ containers, initContainers = [] }: PodSpec): boolean =>
  [...initContainers, ...containers].some(({ restartPolicyRules = [] }) => restartPolicyRules.some(({ action }) => action === 'RestartAllContainers'));
