/** Metrics in the Prometheus text format. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, exponentialBounds, Gauge, Histogram, MetricsRegistry } from './metrics.ts';

test('counters, gauges and histograms are told in the text format', () => {
  const registry = new MetricsRegistry();
  const counter = registry.add(new Counter('c_total', 'Counts.', ['a', 'b']));
  const gauge = registry.add(new Gauge('g', 'Is.'));
  const histogram = registry.add(new Histogram('h', 'Takes.', exponentialBounds(1, 2, 2), ['x']));
  counter.add(1, 'one', 'q"uote');
  counter.add(2, 'one', 'q"uote');
  histogram.observe(1.5, 'y');
  histogram.observe(9, 'y');
  const end = registry.beforeText(() => gauge.set(7));
  assert.deepEqual(registry.text().split('\n'), [
    '# HELP c_total Counts.',
    '# TYPE c_total counter',
    'c_total{a="one",b="q\\"uote"} 3',
    '# HELP g Is.',
    '# TYPE g gauge',
    'g 7',
    '# HELP h Takes.',
    '# TYPE h histogram',
    'h_bucket{x="y",le="1"} 0',
    'h_bucket{x="y",le="2"} 1',
    'h_bucket{x="y",le="+Inf"} 2',
    'h_sum{x="y"} 10.5',
    'h_count{x="y"} 2',
    '',
  ]);
  end();
  gauge.set(0);
  assert.match(registry.text(), /\ng 0\n/);
});
