/** A control plane as processes of their own, each of which can be killed at any moment and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, root } from '../../e2e/cluster.ts';
import type { Random } from '../fuzz/random.ts';
import { type ServerProcess, startServer } from '../server.ts';

export interface Killable {
  name: string;
  /** How often it is chosen, compared with others. */
  weight: number;
  /** Ends it without a word (SIGKILL) and starts it again; resolves when it has begun to start. */
  restart(): Promise<void>;
  /** Resolves when it works. */
  working(): Promise<void>;
}

export interface Processes extends AsyncDisposable {
  kubeconfig: string;
  killables: readonly Killable[];
  /** What a component wrote since it was started first, cut. */
  said(): string;
}

const keptOutput = 4_000;

interface Component extends Killable {
  said(): string;
  end(): Promise<void>;
}

/** `works` is what it logs when it works. */
function component(name: string, weight: number, args: readonly string[], works: string): Component {
  let child: ChildProcess | undefined;
  let said = '';
  let current = '';
  const start = (): void => {
    current = '';
    child = spawn(join(root, 'knarr'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        current += chunk.toString();
        said = `${said}${chunk.toString()}`.slice(-keptOutput);
      });
    }
  };
  const end = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  start();
  return {
    name,
    weight,
    said: () => said,
    end,
    async restart() {
      await end();
      start();
    },
    working: async () => {
      await eventually(`${name} works`, async () => {
        // One that could not reach the server while it was down ends, and its supervisor starts it again.
        if (child?.exitCode !== null && child?.exitCode !== undefined) start();
        return current.includes(works);
      });
    },
  };
}

export interface ProcessesOptions {
  dataDir: string;
  nodes: number;
}

export async function startProcesses({ dataDir, nodes }: ProcessesOptions): Promise<Processes> {
  const args = ['--controllers=-*', '--no-scheduler'];
  let server: ServerProcess = await startServer(dataDir, args);
  const { kubeconfig, port } = server;
  const pki = (file: string): string => join(dataDir, 'pki', file);
  const alone = ['--kubeconfig', kubeconfig, '--no-leader-elect'];
  const components = [
    component(
      'controller-manager',
      5,
      [
        'controller-manager',
        ...alone,
        `--root-ca-file=${pki('ca.crt')}`,
        `--service-account-private-key-file=${pki('sa.key')}`,
        '--service-cluster-ip-range=10.96.0.0/16',
      ],
      'controllers run',
    ),
    component('scheduler', 4, ['scheduler', ...alone], 'the scheduler runs'),
    component(
      'fake-nodes',
      1,
      [
        'fake-nodes',
        ...['--kubeconfig', kubeconfig, '--count', String(nodes), '--fake-node-resources', 'cpu=4,memory=16Gi,pods=24'],
        ...['--fake-pod-start=100ms', '--fake-job-time=300ms', '--fake-pod-stop=100ms'],
      ],
      'simulated nodes run',
    ),
  ];
  let starting: Promise<void> = Promise.resolve();
  const serverItself: Killable = {
    name: 'server',
    weight: 2,
    async restart() {
      await starting;
      await server.stop('SIGKILL');
      starting = startServer(dataDir, args, port).then((next) => {
        server = next;
      });
      starting.catch(() => {}); // told by whoever waits for it
    },
    working: () => starting,
  };
  return {
    kubeconfig,
    killables: [...components, serverItself],
    said: () => components.map(({ name, said }) => `--- ${name}\n${said()}`).join('\n'),
    async [Symbol.asyncDispose]() {
      await Promise.all(components.map(({ end }) => end()));
      await starting.catch(() => {});
      await server.stop('SIGKILL');
    },
  };
}

/** Kills one after the other until the signal; all of them work when it resolves. Gives how often each was killed. */
export async function killAtRandom(killables: readonly Killable[], random: Random, signal: AbortSignal): Promise<Record<string, number>> {
  const kills: Record<string, number> = {};
  const lots = killables.flatMap((one) => Array.from({ length: one.weight }, () => one));
  const pause = (atMost: number): Promise<void> => sleep(random.below(atMost), undefined, { signal }).catch(() => {});
  while (!signal.aborted) {
    const victim = random.pick(lots);
    // One that always dies while it starts would never do anything.
    if (!random.oneIn(3)) await victim.working();
    await pause(900);
    if (signal.aborted) break;
    await victim.restart();
    kills[victim.name] = (kills[victim.name] ?? 0) + 1;
  }
  for (const one of killables) await one.working();
  return kills;
}
