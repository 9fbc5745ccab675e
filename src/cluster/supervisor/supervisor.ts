/**
 * The one process that `up` leaves behind: makes the network, starts server, containerd and agents, starts again what dies,
 * and takes everything back on `stop`.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ClusterConfig, explainDisk } from '../config.ts';
import { ensureNetwork } from '../host/network.ts';
import { clusterLayout } from '../layout.ts';
import { prepareNode } from '../preparenode.ts';
import { SupervisedChild, writePid } from './child.ts';
import { type ControlAnswer, serveControl } from './control.ts';
import { agentSpec, containerdSpec, type Self, serverSpec, simulationSpec } from './specs.ts';
import { takeBack } from './takeback.ts';

export interface SupervisorOptions {
  config: ClusterConfig;
  self: Self;
  log(message: string): void;
}

/** Runs until told to stop; resolves after everything was taken back. */
export async function supervise({ config, self, log }: SupervisorOptions): Promise<void> {
  const layout = clusterLayout(config);
  try {
    // Containers with users of their own have to get to their files below it, as those users.
    mkdirSync(layout.run, { recursive: true, mode: 0o711 });
    mkdirSync(layout.logs, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw explainDisk(error, config.dataDir);
  }
  writePid(join(layout.run, 'supervisor.pid'), process.pid);
  const children: SupervisedChild[] = [];
  let problem: string | undefined;
  let stop: () => void = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const answer = (): ControlAnswer => ({ pid: process.pid, children: children.map((child) => child.status()), ...(problem ? { problem } : {}) });
  let takenBack: Promise<void> | undefined;
  const end = (): Promise<void> => {
    takenBack ??= takeBack(config, children, log);
    return takenBack;
  };
  const control = await serveControl(layout.supervisorSocket, async (request) => {
    if (request.do === 'stop') {
      await end();
      setImmediate(stop);
    }
    return answer();
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end().then(stop));

  const launch = (child: SupervisedChild): void => {
    children.push(child);
    child.start();
  };
  try {
    // The server listens on the bridge too, so the bridge comes first.
    if (!config.controlPlaneOnly) await ensureNetwork(config);
    launch(new SupervisedChild(serverSpec(config, self), log));
    if (config.simulated) launch(new SupervisedChild(simulationSpec(config, self), log));
    if (!config.controlPlaneOnly) {
      await Promise.all(
        config.nodes.map((node) => prepareNode(config, node.name, { defaultRuntime: config.defaultRuntime, cgroupDriver: config.kubelet?.['cgroupDriver'] })),
      );
      for (const node of config.nodes) {
        launch(new SupervisedChild(containerdSpec(config, node.name), log));
        launch(new SupervisedChild(agentSpec(config, node.name, self), log));
      }
    }
  } catch (error) {
    problem = (error as Error).message;
    log(`can't start the cluster: ${problem}`);
  }
  await stopped;
  control.close();
  rmSync(layout.run, { recursive: true, force: true });
}
