import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { mutatingadmissionpolicies } from '../../../api/admissionregistration/v1/mutatingadmissionpolicy.ts';
import { mutatingadmissionpolicybindings } from '../../../api/admissionregistration/v1/mutatingadmissionpolicybinding.ts';
import type {
  MutatingAdmissionPolicySpec,
  ValidatingAdmissionPolicyBindingSpec,
  ValidatingAdmissionPolicySpec,
} from '../../../api/admissionregistration/v1/types.gen.ts';
import { validatingadmissionpolicies } from '../../../api/admissionregistration/v1/validatingadmissionpolicy.ts';
import { validatingadmissionpolicybindings } from '../../../api/admissionregistration/v1/validatingadmissionpolicybinding.ts';
import { deployments } from '../../../api/apps/v1/deployment.ts';
import type { Deployment } from '../../../api/apps/v1/types.gen.ts';
import { configmaps } from '../../../api/core/v1/configmap.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import type { KubeObject } from '../../../apimachinery/meta.ts';
import { type AdmissionServer, startAdmissionServer } from '../testing.ts';

let server: AdmissionServer;
before(async () => {
  server = await startAdmissionServer();
  await server.makeNamespace('ns', { env: 'test' });
});
after(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  const kinds = [validatingadmissionpolicies, validatingadmissionpolicybindings, mutatingadmissionpolicies, mutatingadmissionpolicybindings];
  for (const { plural } of kinds) await server.request('DELETE', `/apis/admissionregistration.k8s.io/v1/${plural}`);
});

const onDeployments = { resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] }] };

async function validate(spec: Partial<ValidatingAdmissionPolicySpec>, binding: Partial<ValidatingAdmissionPolicyBindingSpec> = {}): Promise<void> {
  await server.client.resource(validatingadmissionpolicies).create({ metadata: { name: 'policy' }, spec: { matchConstraints: onDeployments, ...spec } });
  const bound = { policyName: 'policy', validationActions: ['Deny'], ...binding };
  await server.client.resource(validatingadmissionpolicybindings).create({ metadata: { name: 'binding' }, spec: bound });
}

async function mutate(spec: Partial<MutatingAdmissionPolicySpec>): Promise<void> {
  const full = { matchConstraints: onDeployments, reinvocationPolicy: 'Never', ...spec };
  await server.client.resource(mutatingadmissionpolicies).create({ metadata: { name: 'policy' }, spec: full });
  await server.client.resource(mutatingadmissionpolicybindings).create({ metadata: { name: 'binding' }, spec: { policyName: 'policy' } });
}

const deployment = (name: string, replicas: number): Deployment => ({
  metadata: { name, namespace: 'ns' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'a' } },
    template: { metadata: { name: '', labels: { app: 'a' } }, spec: { containers: [{ name: 'main', image: 'i' }] } },
  },
});
const create = (name: string, replicas: number, warnings: string[] = []) =>
  server.as('user', ['system:masters'], warnings).resource(deployments).create(deployment(name, replicas));

test('a validation that is false denies, with its message', async () => {
  await validate({
    variables: [{ name: 'limit', expression: 'namespaceObject.metadata.labels.env == "test" ? 3 : 100' }],
    validations: [{ expression: 'object.spec.replicas <= variables.limit', messageExpression: "'at most ' + string(variables.limit)" }],
  });
  await create('small', 3);
  await assert.rejects(create('large', 4), {
    code: 422,
    reason: 'Invalid',
    message: `deployments.apps "large" is forbidden: ValidatingAdmissionPolicy 'policy' with binding 'binding' denied request: at most 3`,
  });
});

test('without a message the expression is the message; a warning lets the request through', async () => {
  await validate({ validations: [{ expression: 'object.spec.replicas > 100', reason: 'Forbidden' }] }, { validationActions: ['Warn', 'Audit'] });
  const warnings: string[] = [];
  await create('warned', 1, warnings);
  assert.deepEqual(warnings, [
    `Validation failed for ValidatingAdmissionPolicy 'policy' with binding 'binding': failed expression: object.spec.replicas > 100`,
  ]);
});

test('an expression that fails denies, unless the policy says to ignore it', async () => {
  const validations = [{ expression: 'object.spec.nothing == 1' }];
  await validate({ validations });
  await assert.rejects(create('fails', 1), /denied request: expression 'object.spec.nothing == 1' resulted in error: no such key: nothing/);
  await server.client.resource(validatingadmissionpolicies).patch('', 'policy', 'merge', { spec: { failurePolicy: 'Ignore' } });
  await create('ignored', 1);
});

test('parameters come from another object, and must be there when the binding says so', async () => {
  const paramRef = { name: 'limits', namespace: 'ns', parameterNotFoundAction: 'Deny' };
  await validate(
    { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, validations: [{ expression: 'object.spec.replicas <= int(params.data.max)' }] },
    { paramRef },
  );
  await assert.rejects(create('early', 1), /failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction/);
  await server.client.resource(configmaps).create({ metadata: { name: 'limits', namespace: 'ns' }, data: { max: '2' } });
  await create('two', 2);
  await assert.rejects(create('three', 3), /failed expression: object.spec.replicas <= int\(params.data.max\)/);
});

test('conditions and permissions decide whether a policy looks at all', async () => {
  await validate({
    matchConditions: [
      {
        name: 'mine',
        expression: 'request.userInfo.username == "user" && authorizer.group("apps").resource("deployments").namespace("ns").check("create").allowed()',
      },
    ],
    validations: [{ expression: 'false', message: 'no' }],
  });
  await assert.rejects(create('mine', 1), /denied request: no/);
  await server.as('other').resource(deployments).create(deployment('theirs', 1));
});

test('an apply configuration is merged into the object', async () => {
  await mutate({
    mutations: [
      {
        patchType: 'ApplyConfiguration',
        applyConfiguration: {
          expression:
            'Object{metadata: Object.metadata{labels: {"seen": "yes"}}, spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{initContainers: [Object.spec.template.spec.initContainers{name: "init", image: "busybox"}]}}}}',
        },
      },
    ],
  });
  const created = await create('merged', 1);
  assert.deepEqual(created.metadata.labels, { seen: 'yes' });
  assert.deepEqual(
    created.spec?.template.spec?.initContainers?.map(({ name, image }) => [name, image]),
    [['init', 'busybox']],
  );
  assert.equal(created.spec.template.spec.containers.length, 1);
});

test('a JSON patch changes the object; a mutation that makes no sense denies', async () => {
  const patch = (expression: string) => ({ mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression } }] });
  await mutate(
    patch(
      '[JSONPatch{op: "add", path: "/metadata/annotations", value: {}}, JSONPatch{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey("a/b"), value: "c"}]',
    ),
  );
  assert.equal((await create('patched', 1)).metadata.annotations?.['a/b'], 'c');
  await server.client.resource(mutatingadmissionpolicies).patch('', 'policy', 'merge', { spec: patch('[JSONPatch{op: "remove", path: "/nothing"}]') });
  await assert.rejects(create('refused', 1), /policy 'policy' with binding 'binding' denied request: JSON Patch: /);
});

test('a change of the scale is seen, and changed, as a Scale', async () => {
  const onScale = { resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['deployments/scale'] }] };
  await validate({
    matchConstraints: onScale,
    validations: [
      { expression: "object.kind == 'Scale' && request.kind.group == 'autoscaling' && request.subResource == 'scale' && oldObject.spec.replicas == 2" },
      { expression: 'object.spec.replicas <= 6', message: 'too many' },
    ],
  });
  await create('scaled', 2);
  const { client } = server;
  const scale = await client.resource(deployments).subresource<KubeObject & { spec: { replicas: number } }>('GET', 'ns', 'scaled', 'scale');
  const scaleTo = (replicas: number) => client.resource(deployments).subresource('PUT', 'ns', 'scaled', 'scale', { ...scale, spec: { replicas } });
  await assert.rejects(scaleTo(7), /denied request: too many/);
  await mutate({
    matchConstraints: onScale,
    mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "replace", path: "/spec/replicas", value: object.spec.replicas + 1}]' } }],
  });
  await scaleTo(5);
  assert.equal((await client.resource(deployments).get('ns', 'scaled')).spec.replicas, 6);
});

test('what is only taken in, a binding, is shown with whose its fields are', async () => {
  await server.client.resource(pods).create({ metadata: { name: 'web', namespace: 'ns' }, spec: { containers: [{ name: 'web', image: 'web' }] } });
  await validate({
    matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/binding'] }] },
    validations: [{ expression: 'false', messageExpression: "object.metadata.managedFields[0].manager + ' sets ' + object.target.name" }],
  });
  const bind = server.client.resource(pods).subresource('POST', 'ns', 'web', 'binding', {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'web', namespace: 'ns' },
    target: { kind: 'Node', name: 'one' },
  });
  await assert.rejects(bind, /denied request: \S+ sets one$/);
});
