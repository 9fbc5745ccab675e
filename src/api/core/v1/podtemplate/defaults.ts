/** Defaults of a pod's spec: of pods, and of the templates in other kinds. Source of the rule: upstream's `core/v1` defaults. */
import type { Container, EphemeralContainer, HTTPGetAction, PodSpec, PodTemplateSpec, Probe } from '../types.gen.ts';
import { defaultPullPolicy } from './image.ts';
import { setResourceListDefaults, setResourceRequirementsDefaults } from './resourcelist.ts';
import { setFieldSelectorDefaults, setVolumeDefaults } from './volumedefaults.ts';

function setHttpGetDefaults(action: HTTPGetAction | undefined): void {
  if (!action) return;
  action.path ||= '/';
  action.scheme ||= 'HTTP';
}

function setProbeDefaults(probe: Probe | undefined): void {
  if (!probe) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  setHttpGetDefaults(probe.httpGet);
  if (probe.grpc) probe.grpc.service ??= '';
}

function setContainerDefaults(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ||= defaultPullPolicy(container.image);
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const { valueFrom } of container.env ?? []) {
    setFieldSelectorDefaults(valueFrom?.fieldRef);
    if (valueFrom?.fileKeyRef) valueFrom.fileKeyRef.optional ??= false;
  }
  setResourceRequirementsDefaults(container.resources);
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) setProbeDefaults(probe);
  setHttpGetDefaults(container.lifecycle?.postStart?.httpGet);
  setHttpGetDefaults(container.lifecycle?.preStop?.httpGet);
}

/** What every pod spec gets, wherever it stands. */
export function setPodSpecDefaults(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  setServiceAccountAlias(spec);
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume);
  for (const containers of [spec.initContainers, spec.containers, spec.ephemeralContainers]) {
    for (const container of containers ?? []) setContainerDefaults(container);
  }
  setResourceListDefaults(spec.overhead);
  setResourceRequirementsDefaults(spec.resources);
}

/** `serviceAccount` is the old name of `serviceAccountName`: both are served, the new one wins. */
function setServiceAccountAlias(spec: PodSpec): void {
  const name = spec.serviceAccountName || spec.serviceAccount;
  if (!name) return;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

/** With the host's network a container's port is the host's port. */
export function setHostPortDefaults(spec: PodSpec): void {
  if (!spec.hostNetwork) return;
  for (const containers of [spec.containers, spec.initContainers]) {
    for (const container of containers ?? []) for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
  }
}

/** Of the template in a ReplicaSet, a Job, a PodTemplate, … */
export function setPodTemplateDefaults(template: PodTemplateSpec | undefined): void {
  if (!template) return;
  // A template without a spec is invalid; validation says so.
  template.spec ??= { containers: [] };
  setPodSpecDefaults(template.spec);
}
