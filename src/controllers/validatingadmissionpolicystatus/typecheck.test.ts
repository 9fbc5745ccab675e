import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPolicy } from './typecheck.ts';

const policy = (resources: string[], ...expressions: string[]) => ({
  metadata: { name: 'p' },
  spec: {
    matchConstraints: { resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources }] },
    validations: expressions.map((expression) => ({ expression })),
  },
});

test('a field that does not exist is pointed at', () => {
  assert.deepEqual(checkPolicy(policy(['deployments'], 'object.spec.replicas > 1', 'object.spec.replica > 1')), [
    {
      fieldRef: 'spec.validations[1].expression',
      warning: "apps/v1, Kind=Deployment: compilation failed: ERROR: <input>:1:12: undefined field 'replica'\n | object.spec.replica > 1\n | ...........^\n",
    },
  ]);
});

test('types that do not go together are pointed at', () => {
  const [warning] = checkPolicy(policy(['deployments'], 'object.spec.replicas == "1"'));
  assert.match(warning!.warning, /found no matching overload for '_==_' applied to '\(int, string\)'/);
});

test('what is right, or can not be known, gives no warning', () => {
  const fine = [
    'object.spec.template.spec.containers.all(c, c.image.startsWith("r/"))',
    'has(object.metadata.labels) && object.metadata.labels["a"] == "b"',
    'object.metadata.creationTimestamp != null',
    'params.anything == variables.something',
    'oldObject.spec.replicas <= object.spec.replicas',
  ];
  assert.deepEqual(checkPolicy(policy(['deployments', 'statefulsets'], ...fine)), []);
  assert.deepEqual(checkPolicy(policy(['*'], 'object.spec.replica > 1')), []);
});
