/** Who may ask how much at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { created, problems } from '../../testing/validate.ts';
import { flowschemas } from './flowschema.ts';
import { prioritylevelconfigurations } from './prioritylevelconfiguration.ts';

const level = (spec: Record<string, unknown>) => ({ metadata: { name: 'level' }, spec });
const limited = (more: Record<string, unknown> = {}) => level({ type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} }, ...more } });

test('a level has shares, and queues where requests wait', () => {
  assert.deepEqual(created(prioritylevelconfigurations, limited()).spec.limited, {
    nominalConcurrencyShares: 30,
    lendablePercent: 0,
    limitResponse: { type: 'Queue', queuing: { handSize: 8, queues: 64, queueLengthLimit: 50 } },
  });
  assert.deepEqual(problems(prioritylevelconfigurations, limited()), []);
});

test('a level is limited or exempt, not both', () => {
  assert.deepEqual(problems(prioritylevelconfigurations, level({ type: 'Exempt', exempt: {} })), [
    `spec.type: Invalid value: "Exempt": must be 'Exempt' if and only if \`name\` is 'exempt'`,
  ]);
  assert.deepEqual(problems(prioritylevelconfigurations, level({ type: 'Limited' })), ['spec.limited: Required value: must not be empty when type is Limited']);
  const queuing = { queues: 4, handSize: 8, queueLengthLimit: 1 };
  assert.deepEqual(problems(prioritylevelconfigurations, limited({ limitResponse: { type: 'Queue', queuing } })), [
    'spec.limited.limitResponse.queuing.handSize: Invalid value: 8: should not be greater than queues (4)',
  ]);
});

const schema = (spec: Record<string, unknown> = {}) => ({
  metadata: { name: 'schema' },
  spec: {
    priorityLevelConfiguration: { name: 'level' },
    rules: [
      {
        subjects: [{ kind: 'User', user: { name: 'alice' } }],
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true }],
      },
    ],
    ...spec,
  },
});

test('a schema has its place among the others', () => {
  assert.equal(created(flowschemas, schema()).spec.matchingPrecedence, 1000);
  assert.deepEqual(problems(flowschemas, schema()), []);
  assert.deepEqual(problems(flowschemas, schema({ matchingPrecedence: 1 })), [
    "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
  ]);
  assert.deepEqual(problems(flowschemas, schema({ priorityLevelConfiguration: { name: '' } })), [
    'spec.priorityLevelConfiguration.name: Required value: must reference a priority level',
  ]);
});

test('a rule names subjects and what they ask for', () => {
  const errors = problems(flowschemas, schema({ rules: [{ subjects: [], resourceRules: [] }] }));
  assert.deepEqual(errors, [
    'spec.rules[0].subjects: Required value: subjects must contain at least one value',
    'spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty',
  ]);
});
