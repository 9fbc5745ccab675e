import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ControllerDefinition, defineController } from './controller.ts';
import { controllers } from './index.ts';
import { selectControllers, unknownControllers } from './selection.ts';

const named = (name: string, offByDefault = false): ControllerDefinition =>
  defineController({ name, offByDefault, setup: () => ({ reconcile: async () => {} }) });
const three = [named('deployment-controller'), named('job-controller'), named('rare-controller', true)];
const chosen = (list: string[]): string[] => selectControllers(list, three).map(({ name }) => name);

test('* is all that are on by default; names and -names say more, short forms too, and the first counts', () => {
  assert.deepEqual(chosen(['*']), ['deployment-controller', 'job-controller']);
  assert.deepEqual(chosen(['*', '-job']), ['deployment-controller']);
  assert.deepEqual(chosen(['*', 'rare-controller']), ['deployment-controller', 'job-controller', 'rare-controller']);
  assert.deepEqual(chosen(['job-controller', '-job-controller']), ['job-controller']);
  assert.deepEqual(chosen(['deployment']), ['deployment-controller']);
  assert.deepEqual(chosen([]), []);
  assert.deepEqual(chosen(['-*']), []);
});

test('a name that nobody knows is found; one of upstream that has nothing to do here may be switched off', () => {
  assert.deepEqual(unknownControllers(['*', '-jop', 'deployment', '-service-lb-controller'], three), ['-jop']);
  assert.deepEqual(unknownControllers(['service-lb-controller'], three), ['service-lb-controller']);
});

test('every controller has a name of its own', () => {
  const names = controllers.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});
