import assert from 'node:assert/strict';
import test from 'node:test';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { type PodQuestion, type Proposal, proposeByShare, proposeByTotal, proposeByUtilization, proposeByValue } from './calculator.ts';

const now = Date.parse('2026-01-01T12:00:00Z');
const tolerances = { down: 0.1, up: 0.1 };

interface Case {
  current: number;
  /** Of each metric, in thousandths; the pods after them have none. */
  levels: number[];
  /** CPUs that each pod requests. */
  requests?: string[];
  ready?: boolean[];
  phases?: string[];
  /** Minutes since each started. */
  minutes?: number;
  pods?: number;
  resource?: string;
}

function question({ current, levels, requests, ready = [], phases = [], minutes = 20, pods = current, resource = 'cpu' }: Case): PodQuestion {
  const startTime = new Date(now - minutes * 60_000).toISOString();
  return {
    pods: Array.from({ length: pods }, (_, index): Pod => {
      const status = ready[index] === false ? 'False' : 'True';
      const container = { name: 'main', image: 'web:1', ...(requests ? { resources: { requests: { cpu: requests[index] ?? '1' } } } : {}) };
      return {
        metadata: { name: `pod-${index}` },
        spec: { containers: [container] },
        status: { phase: phases[index] ?? 'Running', startTime, conditions: [{ type: 'Ready', status, lastTransitionTime: startTime }] },
      };
    }),
    metrics: new Map(levels.map((value, index) => [`pod-${index}`, { value, timestamp: now, windowMs: 60_000 }])),
    current,
    tolerances,
    resource,
    now,
  };
}

const utilization = (target: number, given: Case): Proposal => proposeByUtilization(question({ requests: [], ...given }), target, '');

test('utilization: pods that are ready and measured decide; those that are not keep it from going too far', () => {
  const cases: [number, Case, Proposal][] = [
    [30, { current: 3, levels: [300, 500, 700] }, { replicas: 5, utilization: 50, average: 500 }],
    // Not ready: as if it used nothing.
    [30, { current: 3, levels: [300, 500, 700], ready: [false] }, { replicas: 4, utilization: 60, average: 600 }],
    [30, { current: 3, levels: [400, 500, 700], ready: [true, false, false] }, { replicas: 3, utilization: 40, average: 400 }],
    // Failed ones are none of it.
    [
      30,
      { current: 2, pods: 4, levels: [500, 700], ready: [true, true, false, false], phases: ['Running', 'Running', 'Failed', 'Failed'] },
      { replicas: 4, utilization: 60, average: 600 },
    ],
    [50, { current: 5, levels: [100, 300, 500, 250, 250] }, { replicas: 3, utilization: 28, average: 280 }],
    [100, { current: 3, levels: [1010, 1030, 1020], requests: ['0.9', '1.0', '1.1'] }, { replicas: 3, utilization: 102, average: 1020 }],
    // More metrics than pods, and fewer.
    [100, { current: 4, levels: [4000, 9500, 3000, 7000, 3200, 2000] }, { replicas: 24, utilization: 587, average: 5875 }],
    [100, { current: 4, levels: [400, 95] }, { replicas: 3, utilization: 24, average: 247 }],
    [100, { current: 2, levels: [1000] }, { replicas: 2, utilization: 100, average: 1000 }],
    [100, { current: 3, levels: [1000, 2000] }, { replicas: 3, utilization: 150, average: 1500 }],
  ];
  for (const [target, given, expected] of cases) assert.deepEqual(utilization(target, given), expected, JSON.stringify(given));
});

test('utilization: what can not be told is said in the order in which it is found', () => {
  assert.throws(() => utilization(30, { current: 0, levels: [] }), /^Error: no pods returned by selector while calculating replica count$/);
  const unmeasured = { ...question({ current: 1, levels: [] }) };
  assert.throws(() => proposeByUtilization(unmeasured, 30, ''), /did not receive metrics for targeted pods/);
  assert.throws(() => proposeByUtilization(question({ current: 1, levels: [1] }), 30, ''), /missing request for cpu in container main of Pod pod-0/);
  assert.throws(() => proposeByUtilization(question({ current: 1, levels: [1], requests: [] }), 30, 'other'), /container other not found in Pod pod-0/);
});

test('values for each pod', () => {
  const value = (target: number, given: Case): Proposal => proposeByValue(question({ resource: '', ...given }), target);
  assert.deepEqual(value(15_000, { current: 3, levels: [20_000, 10_000, 30_000] }), { replicas: 4, average: 20_000 });
  assert.deepEqual(value(20_000, { current: 5, levels: [12_000, 12_000, 12_000, 12_000, 12_000] }), { replicas: 3, average: 12_000 });
  // The other readiness is CPU's alone.
  assert.deepEqual(value(15_000, { current: 3, levels: [50_000, 10_000, 30_000], ready: [false, true, false] }), { replicas: 6, average: 30_000 });
  assert.deepEqual(value(15_000, { current: 3, levels: [50_000, 10_000, 30_000], phases: ['Pending', 'Running', 'Pending'] }), {
    replicas: 1,
    average: 10_000,
  });
});

test('a total for all, and a share for each', () => {
  const { pods } = question({ current: 3, levels: [] });
  assert.deepEqual(proposeByTotal(20_000, 15_000, 3, pods, tolerances), { replicas: 4, average: 20_000 });
  assert.deepEqual(proposeByTotal(20_666, 20_000, 3, pods, tolerances), { replicas: 3, average: 20_666 });
  assert.deepEqual(proposeByTotal(8_600, 4_400, 3, pods.slice(0, 2), tolerances), { replicas: 4, average: 8_600 });
  assert.deepEqual(proposeByTotal(8_600, 4_400, 0, [], tolerances), { replicas: 2, average: 8_600 });
  assert.deepEqual(proposeByShare(20_000, 5_000, 3, tolerances), { replicas: 4, average: 6_667 });
  assert.deepEqual(proposeByShare(8_600, 2_867, 3, tolerances), { replicas: 3, average: 2_867 });
  // Going up and going down may be tolerated differently.
  assert.deepEqual(proposeByShare(8_600, 2_000, 4, { down: 0.1, up: 0 }), { replicas: 5, average: 2_150 });
});
