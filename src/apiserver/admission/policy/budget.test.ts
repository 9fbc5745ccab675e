import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ValidatingAdmissionPolicy } from '../../../api/admissionregistration/v1/types.gen.ts';
import { compileValidatingPolicy, validatePolicy } from './validations.ts';

const policy = (failurePolicy: string): ValidatingAdmissionPolicy => ({
  metadata: { name: 'p' },
  spec: {
    failurePolicy,
    matchConstraints: {},
    variables: [{ name: 'many', expression: '[1, 2, 3, 4, 5, 6, 7, 8].map(i, i + 1)' }],
    validations: [{ expression: 'object.a == 2' }, { expression: 'variables.many.all(i, i > 0)' }, { expression: 'object.a == 3' }],
  },
});
const values = { object: { a: 1n }, params: null, namespaceObject: null, request: {}, oldObject: null };

async function messages(failurePolicy: string, remaining?: number): Promise<string[]> {
  const one = policy(failurePolicy);
  const outcome = await validatePolicy(one, compileValidatingPolicy(one), values, ...(remaining === undefined ? [] : [{ remaining }]));
  return outcome.violations.map(({ message }) => message);
}

test('the expressions of a policy share what they may cost; where it is spent, nothing else that was found counts', async () => {
  assert.deepEqual(await messages('Fail'), ['failed expression: object.a == 2', 'failed expression: object.a == 3']);
  assert.deepEqual(await messages('Fail', 30), ['validation failed due to running out of cost budget, no further validation rules will be run']);
  assert.deepEqual(await messages('Ignore', 30), []);
});
