/**
 * The resource metrics API, out of the box: every server reads what nodes and pods use from their kubelets, and tells it to
 * `kubectl top` and autoscalers. Whoever installs metrics-server, or any other APIService for the group version, replaces it.
 */
import { discovered } from '../../aggregator/controller.ts';
import type { ServerCore } from '../../core.ts';
import type { KubeletClientOptions } from '../pods/streaming.ts';
import type { UsageCollector } from './collector.ts';
import { createUsageCollector } from './collector.ts';
import { metricsGroup, metricsPaths, metricsResources } from './serve.ts';

/** Call after the aggregation layer has its paths: it goes first. */
export function installResourceMetrics(core: ServerCore, kubelet: KubeletClientOptions): Pick<UsageCollector, 'start' | 'stop'> {
  const collector = createUsageCollector({ reader: core.reader, kubelet, log: core.log });
  core.addPaths([metricsPaths(core, collector)]);
  core.discovery.addLocal({ ...metricsGroup, resources: discovered(metricsResources), freshness: 'Current' });
  return collector;
}
