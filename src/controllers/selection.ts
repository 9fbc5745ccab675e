/** Which controllers run: upstream's `--controllers`, with its names, their older short forms, and its rules. */
import type { ControllerDefinition } from './controller.ts';

/** The short forms that upstream had before, by its present name without `-controller` where that is the same. */
const aliases: Readonly<Record<string, string>> = {
  bootstrapsigner: 'bootstrap-signer-controller',
  'clusterrole-aggregation': 'clusterrole-aggregation-controller',
  cronjob: 'cronjob-controller',
  csrapproving: 'certificatesigningrequest-approving-controller',
  csrcleaner: 'certificatesigningrequest-cleaner-controller',
  csrsigning: 'certificatesigningrequest-signing-controller',
  daemonset: 'daemonset-controller',
  deployment: 'deployment-controller',
  disruption: 'disruption-controller',
  endpoint: 'endpoints-controller',
  endpointslice: 'endpointslice-controller',
  endpointslicemirroring: 'endpointslice-mirroring-controller',
  'ephemeral-volume': 'ephemeral-volume-controller',
  garbagecollector: 'garbage-collector-controller',
  horizontalpodautoscaling: 'horizontal-pod-autoscaler-controller',
  job: 'job-controller',
  'legacy-service-account-token-cleaner': 'legacy-serviceaccount-token-cleaner-controller',
  attachdetach: 'persistentvolume-attach-detach-controller',
  namespace: 'namespace-controller',
  nodeipam: 'node-ipam-controller',
  nodelifecycle: 'node-lifecycle-controller',
  'persistentvolume-binder': 'persistentvolume-binder-controller',
  'persistentvolume-expander': 'persistentvolume-expander-controller',
  podgc: 'pod-garbage-collector-controller',
  'pv-protection': 'persistentvolume-protection-controller',
  'pvc-protection': 'persistentvolumeclaim-protection-controller',
  replicaset: 'replicaset-controller',
  replicationcontroller: 'replicationcontroller-controller',
  'resource-claim-controller': 'resourceclaim-controller',
  resourcequota: 'resourcequota-controller',
  'root-ca-cert-publisher': 'root-ca-certificate-publisher-controller',
  serviceaccount: 'serviceaccount-controller',
  'serviceaccount-token': 'serviceaccount-token-controller',
  statefulset: 'statefulset-controller',
  svm: 'storage-version-migrator-controller',
  tokencleaner: 'token-cleaner-controller',
  ttl: 'ttl-controller',
  'ttl-after-finished': 'ttl-after-finished-controller',
};

/** Upstream's for clouds and for what is off there by default: who switches one off has what they want. */
const absent = new Set([
  'cloud-node-lifecycle-controller',
  'kube-apiserver-serving-clustertrustbundle-publisher-controller',
  'node-route-controller',
  'podcertificaterequest-cleaner-controller',
  'podgroup-protection-controller',
  'resourcepoolstatusrequest-controller',
  'selinux-warning-controller',
  'service-lb-controller',
  'storageversion-garbage-collector-controller',
]);

const canonical = (name: string): string => aliases[name] ?? name;

/** The names in a list that mean nothing. `-*` is all off, which is also what an empty list says. */
export function unknownControllers(list: readonly string[], definitions: readonly ControllerDefinition[]): string[] {
  const known = new Set(definitions.map(({ name }) => name));
  return list.filter((entry) => {
    const name = canonical(entry.replace(/^-/, ''));
    return name !== '*' && !known.has(name) && !(entry.startsWith('-') && absent.has(name));
  });
}

/** The first entry that is about a controller counts; `*` is all that are not off by default. */
export function selectControllers(list: readonly string[], definitions: readonly ControllerDefinition[]): ControllerDefinition[] {
  const entries = list.map((entry) => (entry.startsWith('-') ? `-${canonical(entry.slice(1))}` : canonical(entry)));
  const all = entries.includes('*');
  return definitions.filter(({ name, offByDefault = false }) => {
    const own = entries.find((entry) => entry === name || entry === `-${name}`);
    return own === undefined ? all && !offByDefault : own === name;
  });
}
