import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeProblems, created, problems } from '../../testing/validate.ts';
import { mutatingadmissionpolicies } from './mutatingadmissionpolicy.ts';
import { mutatingwebhookconfigurations } from './mutatingwebhookconfiguration.ts';
import { validatingadmissionpolicies } from './validatingadmissionpolicy.ts';
import { validatingadmissionpolicybindings } from './validatingadmissionpolicybinding.ts';
import { validatingwebhookconfigurations } from './validatingwebhookconfiguration.ts';

const hook = (more: Record<string, unknown> = {}) => ({
  metadata: { name: 'hooks' },
  webhooks: [
    {
      name: 'a.example.com',
      clientConfig: { service: { namespace: 'ns', name: 'svc' } },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
      ...more,
    },
  ],
});

const policy = (spec: Record<string, unknown>) => ({
  metadata: { name: 'policy' },
  spec: {
    matchConstraints: { resourceRules: [{ operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] }] },
    ...spec,
  },
});

test('webhooks are given what they leave out', () => {
  const [webhook] = created(mutatingwebhookconfigurations, hook()).webhooks;
  assert.equal(webhook.failurePolicy, 'Fail');
  assert.equal(webhook.matchPolicy, 'Equivalent');
  assert.equal(webhook.timeoutSeconds, 10);
  assert.equal(webhook.reinvocationPolicy, 'Never');
  assert.equal(webhook.clientConfig.service.port, 443);
  assert.equal(webhook.rules[0].scope, '*');
  assert.deepEqual([webhook.namespaceSelector, webhook.objectSelector], [{}, {}]);
  assert.deepEqual(problems(mutatingwebhookconfigurations, hook()), []);
});

test('webhooks must say where, when and how they are asked', () => {
  const wrong = (more: Record<string, unknown>) => problems(validatingwebhookconfigurations, hook(more));
  assert.deepEqual(wrong({ name: 'short' }), ['webhooks[0].name: Invalid value: "short": should be a domain with at least three segments separated by dots']);
  assert.deepEqual(wrong({ clientConfig: {} }), ['webhooks[0].clientConfig: Required value: exactly one of url or service is required']);
  assert.deepEqual(wrong({ timeoutSeconds: 31 }), ['webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds']);
  assert.deepEqual(wrong({ sideEffects: 'Some' }), ['webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"']);
});

test('conditions that can not be compiled are refused; those that stand are left alone', () => {
  const broken = hook({ matchConditions: [{ name: 'c.example.com', expression: '...bad expression' }] });
  const [problem] = problems(validatingwebhookconfigurations, broken);
  assert.match(problem ?? '', /^webhooks\[0\]\.matchConditions\[0\]\.expression: Invalid value: "\.\.\.bad expression": compilation failed: ERROR: <input>:1:/);
  assert.deepEqual(problems(validatingwebhookconfigurations, hook({ matchConditions: [{ name: 'c', expression: '6' }] })), [
    'webhooks[0].matchConditions[0].expression: Invalid value: "6": must evaluate to bool but got int',
  ]);
  assert.deepEqual(
    problems(
      validatingwebhookconfigurations,
      hook({ matchConditions: [{ name: 'c', expression: "authorizer.group('').resource('pods').check('get').allowed()" }] }),
    ),
    [],
  );
  assert.deepEqual(
    changeProblems(validatingwebhookconfigurations, broken, ({ metadata }) => {
      metadata.labels = { a: 'b' };
    }),
    [],
  );
});

test('policies may name parameters and the variables above', () => {
  const wrong = (spec: Record<string, unknown>) => problems(validatingadmissionpolicies, policy(spec));
  const validations = [{ expression: 'variables.replicas <= params.data.most', messageExpression: "'at most ' + string(params.data.most)" }];
  const variables = [{ name: 'replicas', expression: 'object.spec.replicas' }];
  assert.deepEqual(wrong({ validations, variables, paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } }), []);
  assert.match(wrong({ validations, variables }).join('\n'), /spec\.validations\[0\]\.expression: .* undeclared reference to 'params'/);
  assert.match(wrong({ validations: [{ expression: 'variables.replicas == 2' }] }).join('\n'), /<input>:1:1: undeclared reference to 'variables'/);
  assert.deepEqual(wrong({ validations: [{ expression: 'true', reason: 'Because' }] }), [
    'spec.validations[0].reason: Unsupported value: "Because": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
  ]);
  assert.deepEqual(wrong({}), [
    'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
    'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
  ]);
});

test('mutations are of the kind that they say', () => {
  const wrong = (mutation: Record<string, unknown>) => problems(mutatingadmissionpolicies, policy({ mutations: [mutation], reinvocationPolicy: 'Never' }));
  assert.deepEqual(wrong({ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{spec: Object.spec{replicas: 1}}' } }), []);
  assert.deepEqual(wrong({ patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "add", path: "/a", value: 1}]' } }), []);
  assert.deepEqual(wrong({ patchType: 'JSONPatch' }), ['spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch']);
  assert.match(wrong({ patchType: 'JSONPatch', jsonPatch: { expression: '[' } }).join('\n'), /jsonPatch\.expression: Invalid value: "\[": compilation failed/);
});

test('a binding denies or warns', () => {
  const spec = { policyName: 'policy', validationActions: ['Deny', 'Warn'] };
  assert.match(problems(validatingadmissionpolicybindings, { metadata: { name: 'b' }, spec }).join('\n'), /must not contain both Deny and Warn/);
  assert.deepEqual(problems(validatingadmissionpolicybindings, { metadata: { name: 'b' }, spec: { ...spec, validationActions: ['Deny', 'Audit'] } }), []);
});
