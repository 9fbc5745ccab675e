import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cells } from '../../testing/strategy.ts';
import { type Any, changeProblems, created, problems } from '../../testing/validate.ts';
import { limitranges } from './limitrange.ts';
import { resourcequotas } from './resourcequota.ts';

const metadata = { name: 'x', namespace: 'default' };
const quota = (spec: Any['spec']): Record<string, unknown> => ({ metadata, spec });
const limits = (...items: Any[]): Record<string, unknown> => ({ metadata, spec: { limits: items } });
const item = (over: Record<string, unknown>): Any => ({ type: 'Container', ...over }) as never;

const quotas: [string, Any['spec'], string[]][] = [
  [
    'of names that no quota has',
    { hard: { 'a b': '1', x: '1' } },
    [
      "spec.hard[a b]: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      'spec.hard[a b]: Invalid value: "a b": must be a standard resource for quota',
      'spec.hard[x]: Invalid value: "x": must be a standard resource type or fully qualified',
      'spec.hard[x]: Invalid value: "x": must be a standard resource for quota',
    ],
  ],
  [
    'of amounts that cannot be',
    { hard: { pods: '1.5', 'requests.cpu': '-1' } },
    ['spec.hard[pods]: Invalid value: "1500m": must be an integer', 'spec.hard[requests.cpu]: Invalid value: "-1": must be greater than or equal to 0'],
  ],
  [
    'with scopes that exclude each other or what it limits',
    { hard: { secrets: '1' }, scopes: ['BestEffort', 'NotBestEffort', 'x'] },
    [
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","x"]: unsupported scope applied to resource',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","x"]: unsupported scope applied to resource',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","x"]: unsupported scope',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","x"]: conflicting scopes',
    ],
  ],
  [
    'whose selector compares wrongly',
    {
      scopeSelector: {
        matchExpressions: [
          { scopeName: 'PriorityClass', operator: 'In' },
          { scopeName: 'Terminating', operator: 'Exists', values: ['a'] },
        ],
      },
    },
    [
      "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      "spec.scopeSelector.matchExpressions.values: Invalid value: [\"a\"]: must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
    ],
  ],
];
for (const [what, spec, messages] of quotas) {
  test(`a quota ${what} is refused`, () => assert.deepEqual(problems(resourcequotas, quota(spec)), messages));
}

test("a quota's scopes stay, its limits don't", () => {
  const old = quota({ hard: { pods: '1' }, scopes: ['BestEffort'] });
  const errors = changeProblems(resourcequotas, old, ({ spec }) => {
    spec.hard = { pods: '2' };
    spec.scopes = ['Terminating'];
  });
  assert.deepEqual(errors, ['spec.scopes: Invalid value: ["Terminating"]: field is immutable']);
});

test('kubectl shows what is used, limits apart', () => {
  const object = { metadata: { name: 'q' }, status: { hard: { pods: '2', 'limits.cpu': '1', 'a.b/c': '3' }, used: { pods: '1' } } };
  assert.deepEqual(cells(resourcequotas, object as never).slice(0, 3), ['q', 'a.b/c: 0/3, pods: 1/2', 'limits.cpu: 0/1']);
});

test('a container gets the most as its limit, and its limit or else the least as its request', () => {
  const range = created(limitranges, limits(item({ max: { cpu: '2' }, min: { memory: '1Mi' } }), item({ type: 'Pod', max: { cpu: '3' } })));
  assert.deepEqual(range['spec'].limits, [
    { type: 'Container', max: { cpu: '2' }, min: { memory: '1Mi' }, default: { cpu: '2' }, defaultRequest: { memory: '1Mi', cpu: '2' } },
    { type: 'Pod', max: { cpu: '3' } },
  ]);
});

const ranges: [string, Any[], string[]][] = [
  ['of an unknown type', [item({ type: 'x' })], ['spec.limits[0].type: Invalid value: "x": must be a standard limit type or fully qualified']],
  ['with a type twice', [item({}), item({})], ['spec.limits[1].type: Duplicate value: "Container"']],
  ['with defaults for pods', [item({ type: 'Pod', default: { cpu: '1' } })], ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"]],
  [
    'for claims without a size',
    [item({ type: 'PersistentVolumeClaim' })],
    ['spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided'],
  ],
  [
    'whose least is more than the most',
    [item({ type: 'Pod', min: { cpu: '2' }, max: { cpu: '1' }, maxLimitRequestRatio: { cpu: '500m' } })],
    [
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
      'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1',
    ],
  ],
  [
    'whose defaults are out of bounds',
    [item({ min: { cpu: '100m' }, max: { cpu: '1' }, default: { cpu: '2' }, defaultRequest: { cpu: '50m' } })],
    [
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "50m": min value 100m is greater than default request value 50m',
      'spec.limits[0].default[cpu]: Invalid value: "1": default value 2 is greater than max value 1',
    ],
  ],
  [
    'that overcommits what cannot be',
    [item({ default: { 'a.b/c': '2' }, defaultRequest: { 'a.b/c': '1' } })],
    ['spec.limits[0].defaultRequest[a.b/c]: Invalid value: "1": default value 2 must equal to defaultRequest value 1 in a.b/c'],
  ],
];
for (const [what, items, messages] of ranges) {
  test(`a limit range ${what} is refused`, () => assert.deepEqual(problems(limitranges, limits(...items)), messages));
}
