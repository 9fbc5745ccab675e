import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JSONSchemaProps, ValidationRule } from '../v1/types.gen.ts';
import { validateRules } from './rules.ts';

const withRules = (schema: JSONSchemaProps, ...rules: ValidationRule[]): JSONSchemaProps => ({
  type: 'object',
  properties: { spec: { ...schema, 'x-kubernetes-validations': rules } },
});

const wrong = (schema: JSONSchemaProps, spec: unknown, old?: unknown): string[] =>
  validateRules({ spec }, old === undefined ? undefined : { spec: old }, schema).map((error) => error.message());

test('a rule about the change applies to changes alone, or is told that there was nothing', () => {
  const growing = withRules({ type: 'integer' }, { rule: 'self > oldSelf', message: 'must grow' });
  assert.deepEqual(wrong(growing, 1), []);
  assert.deepEqual(wrong(growing, 2, 1), []);
  assert.deepEqual(wrong(growing, 1, 2), ['spec: Invalid value: 1: must grow']);

  const optional = withRules({ type: 'integer' }, { rule: 'oldSelf.hasValue() ? self > oldSelf.value() : self == 0', optionalOldSelf: true });
  assert.deepEqual(wrong(optional, 0), []);
  assert.deepEqual(wrong(optional, 2, 1), []);
  assert.equal(wrong(optional, 1).length, 1);
  assert.equal(wrong(optional, 1, 2).length, 1);
});

test('a rule that takes too long stops the others too', () => {
  const pairs = 'self.all(x, self.all(y, y == x))';
  const schema = withRules({ type: 'array', items: { type: 'integer' } }, { rule: pairs }, { rule: 'false' });
  assert.equal(wrong(schema, [1]).length, 1);
  assert.deepEqual(wrong(schema, Array(725).fill(20)), [
    `spec: Invalid value: "array": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: rule "${pairs}"`,
  ]);
});

test('all rules for one object share a budget', () => {
  const each = withRules({ type: 'array', items: { type: 'array', items: { type: 'integer' }, 'x-kubernetes-validations': [{ rule: 'self.all(x, x > 0)' }] } });
  const errors = wrong(
    each,
    Array.from({ length: 200 }, () => Array(10_000).fill(1)),
  );
  assert.equal(errors.length, 1);
  assert.match(errors[0] ?? '', /validation failed due to running out of cost budget, no further validation rules will be run$/);
});

test('texts of a format are what the format says', () => {
  const schema = withRules(
    {
      type: 'object',
      properties: { wait: { type: 'string', format: 'duration' }, at: { type: 'string', format: 'date-time' }, data: { type: 'string', format: 'byte' } },
    },
    { rule: "self.wait < duration('1h30m') && self.wait.getSeconds() == 90 && self.at > timestamp('2026-01-01T00:00:00Z') && self.data.size() == 3" },
  );
  assert.deepEqual(wrong(schema, { wait: '1m30s', at: '2026-05-01T00:00:00Z', data: 'YWJj' }), []);
});
