/** `knarr status`. */
import { isSimulated, nodes } from '../../api/core/v1/node.ts';
import { clusterLayout } from '../../cluster/layout.ts';
import { runningPid } from '../../cluster/supervisor/child.ts';
import { askSupervisor } from '../../cluster/supervisor/control.ts';
import { allSpecs } from '../../cluster/supervisor/specs.ts';
import { adminClient, type ClusterOptions, existingCluster } from '../cluster.ts';
import { self } from '../self.ts';

export async function status(options: ClusterOptions & { output: string }): Promise<void> {
  const config = existingCluster(options);
  const supervisor = await askSupervisor(clusterLayout(config).supervisorSocket, { do: 'status' });
  // A supervisor that was killed leaves everything else running.
  const alone = supervisor ? [] : allSpecs(config, self()).map(({ name, pidFile }) => ({ name, pid: runningPid(pidFile), restarts: 0 }));
  const orphans = alone.filter(({ pid }) => pid !== undefined);
  const running = supervisor !== undefined || orphans.length > 0;
  const problem = orphans.length > 0 ? "its supervisor is gone, and what dies stays dead; 'knarr up' brings it back" : supervisor?.problem;
  const api = running ? await apiState() : undefined;
  const state = {
    name: config.name,
    dataDir: config.dataDir,
    server: `https://127.0.0.1:${config.port}`,
    running,
    ...(problem ? { problem } : {}),
    ready: api?.ready ?? false,
    processes: supervisor ? [{ name: 'supervisor', pid: supervisor.pid, restarts: 0 }, ...supervisor.children] : orphans,
    nodes: api?.nodes ?? [],
  };
  if (options.output === 'json') console.log(JSON.stringify(state, null, 2));
  else print(state);
  if (!state.running) process.exitCode = 1;

  async function apiState(): Promise<{ ready: boolean; nodes: NodeState[] }> {
    const client = await adminClient(config);
    try {
      await client.raw('GET', '/readyz');
      const list = await client.resource(nodes).list('');
      return {
        ready: true,
        nodes: list.items.map((node) => ({
          name: node.metadata.name,
          ...(isSimulated(node) ? { simulated: true } : {}),
          ready: node.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false,
        })),
      };
    } catch {
      return { ready: false, nodes: [] };
    } finally {
      await client.close();
    }
  }
}

interface NodeState {
  name: string;
  ready: boolean;
  /** Present with `true` where its pods run without containers. */
  simulated?: boolean;
}

interface State {
  name: string;
  dataDir: string;
  server: string;
  running: boolean;
  problem?: string;
  ready: boolean;
  processes: { name: string; pid?: number | undefined; restarts: number }[];
  nodes: NodeState[];
}

function print(state: State): void {
  console.log(`Cluster '${state.name}' in ${state.dataDir}: ${state.running ? (state.ready ? 'ready' : 'not ready') : 'down'}`);
  if (state.problem) console.log(`  ${state.problem}`);
  if (state.running) console.log(`API server: ${state.server}`);
  for (const process of state.processes)
    console.log(
      `  ${process.name.padEnd(20)} ${process.pid ? `pid ${process.pid}` : 'not running'}${process.restarts ? `, restarted ${process.restarts} times` : ''}`,
    );
  const simulated = state.nodes.filter((node) => node.simulated);
  for (const node of state.nodes.filter((one) => !one.simulated)) console.log(`  node ${node.name.padEnd(15)} ${node.ready ? 'Ready' : 'NotReady'}`);
  if (simulated.length > 0) console.log(`  ${simulated.length} simulated nodes: ${simulated.filter(({ ready }) => ready).length} Ready`);
}
