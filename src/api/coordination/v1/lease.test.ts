import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeProblems, created, problems } from '../../testing/validate.ts';
import { leasecandidates } from '../v1beta1/leasecandidate.ts';
import { leases } from './lease.ts';

const metadata = { name: 'x', namespace: 'default' };
const candidate = (spec: Record<string, unknown> = {}): Record<string, unknown> => ({
  metadata,
  spec: { leaseName: 'l', binaryVersion: '1.36.0', emulationVersion: '1.35.0', strategy: 'OldestEmulationVersion', ...spec },
});

test('a lease lasts', () => {
  const spec = { leaseDurationSeconds: 0, leaseTransitions: -1 };
  assert.deepEqual(problems(leases, { metadata, spec }), [
    'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
  ]);
});

test('a lease is not coordinated', () => {
  const spec = { holderIdentity: 'a', strategy: 'OldestEmulationVersion', preferredHolder: 'b' };
  assert.deepEqual(created(leases, { metadata, spec })['spec'], { holderIdentity: 'a' });
});

const bad: [string, Record<string, unknown>, string[]][] = [
  [
    'that says nothing',
    { leaseName: '', binaryVersion: '', emulationVersion: '', strategy: '' },
    ['spec.leaseName: Required value', 'spec.binaryVersion: Required value', 'spec.strategy: Required value'],
  ],
  [
    'older than what it emulates',
    { binaryVersion: '1.34.9' },
    ['spec.binaryVersion: Invalid value: "1.34.9": must be greater than or equal to `emulationVersion`'],
  ],
  [
    'of no version',
    { binaryVersion: 'v1', emulationVersion: '' },
    [
      'spec.binaryVersion: Invalid value: "v1": must be a valid semantic version',
      "spec.emulationVersion: Required value: must be specified when `strategy` is 'OldestEmulationVersion'",
    ],
  ],
  ['with an unknown strategy', { strategy: 'x' }, ['spec.strategy.strategy: Unsupported value: "x": supported values: "OldestEmulationVersion"']],
];
for (const [what, spec, messages] of bad) {
  test(`a candidate ${what} is refused`, () => assert.deepEqual(problems(leasecandidates, candidate(spec)), messages));
}

test("a candidate's lease stays", () => {
  const errors = changeProblems(leasecandidates, candidate(), ({ spec }) => {
    spec.leaseName = 'm';
  });
  assert.deepEqual(errors, ['spec.leaseName: Invalid value: "m": field is immutable']);
});
