import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cells } from '../../testing/strategy.ts';
import { changeProblems, created, problems } from '../../testing/validate.ts';
import { poddisruptionbudgets } from './poddisruptionbudget.ts';

const budget = (spec: Record<string, unknown>) => ({ metadata: { name: 'b', namespace: 'default' }, spec: { selector: { matchLabels: { a: 'b' } }, ...spec } });

test('a budget says how many stay or how many may go', () => {
  assert.deepEqual(problems(poddisruptionbudgets, budget({ minAvailable: '50%' })), []);
  assert.deepEqual(problems(poddisruptionbudgets, budget({ maxUnavailable: '120%' })), [
    'spec.maxUnavailable: Invalid value: "120%": must not be greater than 100%',
  ]);
  assert.deepEqual(problems(poddisruptionbudgets, budget({ minAvailable: -1 })), ['spec.minAvailable: Invalid value: -1: must be greater than or equal to 0']);
  const [both] = problems(poddisruptionbudgets, budget({ minAvailable: 1, maxUnavailable: 1 }));
  assert.match(both ?? '', /minAvailable and maxUnavailable cannot be both set$/);
});

test('what is counted is not negative', () => {
  const errors = changeProblems(
    poddisruptionbudgets,
    budget({ minAvailable: 1 }),
    (object) => {
      object.status = { disruptionsAllowed: -1, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 };
    },
    'status',
  );
  assert.deepEqual(errors, ['status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0']);
});

test('a budget is listed with what it allows', () => {
  assert.deepEqual(cells(poddisruptionbudgets, created(poddisruptionbudgets, budget({ minAvailable: '50%' })) as never).slice(0, 4), ['b', '50%', 'N/A', 0]);
});
