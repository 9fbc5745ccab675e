/** `knarr explain-scheduling POD`: node by node, what each plugin of the scheduler says of a pod. */
import { pino } from 'pino';
import { createInformerFactory } from '../../client/informers.ts';
import { UserError } from '../../cluster/config.ts';
import { readSchedulerFile, schedulerConfiguration } from '../../cluster/controlplane/schedulerconfig.ts';
import type { Explanation, NodeExplanation } from '../../scheduler/explain/explain.ts';
import { explainPod } from '../../scheduler/explain/state.ts';
import { loadPlugins } from '../../scheduler/profiles.ts';
import { adminClient, type ClusterOptions, existingCluster } from '../cluster.ts';

export interface ExplainSchedulingOptions extends ClusterOptions {
  namespace: string;
  output: string;
  schedulerConfig?: string;
}

export async function explainScheduling(pod: string, options: ExplainSchedulingOptions): Promise<void> {
  const config = existingCluster(options);
  const client = await adminClient(config);
  try {
    const file = options.schedulerConfig === undefined ? config.schedulerFile : readSchedulerFile(options.schedulerConfig);
    const configuration = file && schedulerConfiguration(file);
    const informers = createInformerFactory(client, { log: pino({ level: 'silent' }) });
    const plugins = configuration && (await loadPlugins(configuration));
    const more = { ...(configuration ? { configuration } : {}), ...(plugins ? { plugins } : {}) };
    const explanation = await explainPod({ client, informers, ...more }, options.namespace, pod).catch((error: unknown) => {
      throw new UserError((error as Error).message);
    });
    if (!explanation) throw new UserError(`pods "${pod}" not found in namespace ${options.namespace}`);
    console.log(options.output === 'json' ? JSON.stringify(explanation, null, 2) : textOf(explanation));
  } finally {
    await client.close();
  }
}

/** Columns, for reading. */
export function textOf(explanation: Explanation): string {
  const { pod, profile, boundTo, gated, nodes, best, message, preemption, nodesScored } = explanation;
  const lines = [`Pod ${pod}, profile ${profile}`];
  if (boundTo) lines.push(`It is on ${boundTo}. What follows is where it would go now if it were not.`);
  if (gated) lines.push(`It is not tried: ${gated}`);
  const rejected = nodes.filter(({ rejectedBy }) => rejectedBy);
  const scored = nodes.filter(({ scores }) => scores);
  if (scored.length > 0) lines.push('', ...table(scored), '', `Chosen: ${best.length > 1 ? `one of ${best.join(', ')} (equal totals)` : best[0]}`);
  if (nodesScored) lines.push(`In a cluster of this size the scheduler scores the first ${nodesScored} nodes that it finds.`);
  if (rejected.length > 0) lines.push('', ...columns([['NODE', 'REJECTED BY', 'WHY'], ...rejected.map(rejection)]));
  if (message) lines.push('', message);
  if (preemption) {
    const rows = preemption.map(({ node, victims, budgetsViolated, chosen }) => [
      node,
      victims.map((victim) => `${victim.pod} (priority ${victim.priority})`).join(', '),
      String(budgetsViolated),
      chosen ? 'chosen' : '',
    ]);
    lines.push('', 'It would fit if others went:', ...columns([['NODE', 'VICTIMS', 'BUDGETS BROKEN', ''], ...rows]));
  }
  return lines.join('\n');
}

function rejection({ node, rejectedBy }: NodeExplanation): string[] {
  const { plugin, reasons, preemptionMayHelp } = rejectedBy!;
  return [node, plugin, `${reasons.join(', ')}${preemptionMayHelp ? '' : ' (preemption does not help)'}`];
}

function table(scored: readonly NodeExplanation[]): string[] {
  const plugins = [...new Set(scored.flatMap(({ scores = [] }) => scores.map(({ plugin, weight }) => `${plugin}×${weight}`)))];
  const rows = scored.map(({ node, total = 0, scores = [] }) => [
    node,
    String(total),
    ...plugins.map((name) => String(scores.find(({ plugin, weight }) => `${plugin}×${weight}` === name)?.score ?? '-')),
  ]);
  return columns([['NODE', 'TOTAL', ...plugins], ...rows]);
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
