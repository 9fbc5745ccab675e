/** What the fuzzer damages: valid objects of everyday kinds, and one with every field set of every kind. */
import { builtinKinds } from '../../../src/api/index.ts';
import type { KindDefinition } from '../../../src/api/kind.ts';
import { structOf } from '../../../src/api/schema.ts';
import { sampleOf } from '../../../src/api/testing/sample.ts';
import { apiVersionOf } from '../../../src/apimachinery/meta.ts';
import type { Random } from './random.ts';

export const namespace = 'fuzz';

const labels = { app: 'fuzz' };
const container = {
  name: 'main',
  image: 'web:1',
  env: [{ name: 'A', value: 'b' }],
  ports: [{ containerPort: 80, name: 'http' }],
  resources: { requests: { cpu: '10m', memory: '1Mi' }, limits: { memory: '1Gi' } },
  readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 5 },
  volumeMounts: [{ name: 'data', mountPath: '/data' }],
};
const podSpec = { containers: [container], volumes: [{ name: 'data', emptyDir: {} }], tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoSchedule' }] };
const template = { metadata: { labels }, spec: podSpec };
const selector = { matchLabels: labels };
const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }];

/** By `group/version/Kind`: all but the type and the name. */
const valid: Readonly<Record<string, object>> = {
  '/v1/ConfigMap': { data: { a: 'b' }, binaryData: { c: 'YWJj' } },
  '/v1/Secret': { type: 'Opaque', data: { a: 'YWJj' } },
  '/v1/Pod': { spec: podSpec },
  '/v1/Service': { spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }], type: 'ClusterIP' } },
  '/v1/PersistentVolumeClaim': { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  '/v1/LimitRange': { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } },
  '/v1/Endpoints': { subsets: [{ addresses: [{ ip: '10.1.1.1' }], ports: [{ port: 80 }] }] },
  '/v1/ServiceAccount': { secrets: [{ name: 'a' }] },
  'apps/v1/Deployment': { spec: { replicas: 1, selector, template, strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: 1 } } } },
  'apps/v1/StatefulSet': { spec: { serviceName: 'a', selector, template } },
  'apps/v1/DaemonSet': { spec: { selector, template } },
  'batch/v1/Job': { spec: { completions: 2, template: { ...template, spec: { ...podSpec, restartPolicy: 'Never' } } } },
  'batch/v1/CronJob': { spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: { ...template, spec: { ...podSpec, restartPolicy: 'Never' } } } } } },
  'networking.k8s.io/v1/Ingress': {
    spec: {
      rules: [{ host: 'a.example.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'a', port: { number: 80 } } } }] } }],
    },
  },
  'networking.k8s.io/v1/NetworkPolicy': {
    spec: { podSelector: selector, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] }] },
  },
  'rbac.authorization.k8s.io/v1/Role': { rules },
  'rbac.authorization.k8s.io/v1/RoleBinding': {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'a' },
    subjects: [{ kind: 'ServiceAccount', name: 'a', namespace: 'b' }],
  },
  'autoscaling/v2/HorizontalPodAutoscaler': { spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a' } } },
  'policy/v1/PodDisruptionBudget': { spec: { minAvailable: 1, selector } },
  'coordination.k8s.io/v1/Lease': { spec: { holderIdentity: 'a', leaseDurationSeconds: 15, acquireTime: '2026-01-02T03:04:05.000000Z' } },
  'discovery.k8s.io/v1/EndpointSlice': { addressType: 'IPv4', endpoints: [{ addresses: ['10.1.1.1'] }], ports: [{ name: 'http', port: 80 }] },
};

/** What would change the server for all that come after: its answers are seen with a dry run. */
const consequential = new Set(['admissionregistration.k8s.io', 'apiextensions.k8s.io', 'apiregistration.k8s.io', 'flowcontrol.apiserver.k8s.io']);
export const isConsequential = ({ group, kind }: KindDefinition): boolean => consequential.has(group) || kind === 'Namespace' || kind === 'ResourceQuota';

export interface Sample {
  definition: KindDefinition;
  /** `/apis/apps/v1/namespaces/fuzz/deployments` */
  collection: string;
  object: Record<string, unknown>;
}

const kinds = builtinKinds.filter(({ offByDefault, verbs }) => !offByDefault && verbs.includes('create'));
const everyday = kinds.filter(({ group, version, kind }) => valid[`${group}/${version}/${kind}`] !== undefined);

export function collectionOf({ group, version, plural, namespaced }: KindDefinition): string {
  const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${base}${namespaced ? `/namespaces/${namespace}` : ''}/${plural}`;
}

const names = ['a', 'b', 'c', 'd'];
export const anyName = (random: Random): string => random.pick(names);

/** An object of its own, that may be damaged. */
export function anyObject(random: Random): Sample {
  const definition = random.oneIn(4) ? random.pick(kinds) : random.pick(everyday);
  const { group, version, kind, schema } = definition;
  const known = valid[`${group}/${version}/${kind}`];
  const content = known && !random.oneIn(8) ? structuredClone(known) : sampleOf(structOf(schema));
  const metadata = { name: anyName(random), labels: { ...labels }, annotations: { 'example.com/a': 'b' } };
  return { definition, collection: collectionOf(definition), object: { apiVersion: apiVersionOf(group, version), kind, ...content, metadata } };
}
