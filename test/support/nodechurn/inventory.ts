/** What a node has on the host and in its runtime. Whatever is more than before the first pod, when the last one is gone, has leaked. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { nodeLayout } from '../../../src/cluster/layout.ts';
import { type CriClient, createCriClient } from '../../../src/kubelet/cri/client.ts';
import { containerNameLabel, podUidLabel } from '../../../src/kubelet/runtime/labels.ts';
import { ok, type TestCluster } from '../../e2e/cluster.ts';

export interface NodeUnderTest {
  layout: ReturnType<typeof nodeLayout>;
  namespace: string;
  id: string;
  dataDir: string;
}

export function nodeOf({ dataDir, networkNamespace }: TestCluster, id: string): NodeUnderTest {
  return { layout: nodeLayout({ dataDir, id }, 'node-1'), namespace: networkNamespace(1), id, dataDir };
}

async function withRuntime<T>({ layout }: NodeUnderTest, ask: (runtime: CriClient) => Promise<T>): Promise<T> {
  const runtime = createCriClient(layout.containerdSocket);
  try {
    return await ask(runtime);
  } finally {
    runtime.close();
  }
}

/** `<pod uid>/<container>` of all that run, one entry each. */
export const runningContainers = (node: NodeUnderTest): Promise<string[]> =>
  withRuntime(node, async (runtime) => {
    const containers = await runtime.listContainers();
    return containers
      .filter(({ state }) => state === 'CONTAINER_RUNNING')
      .map(({ labels }) => `${labels?.[podUidLabel]}/${labels?.[containerNameLabel]}`)
      .sort();
  });

/** Pods that have a sandbox which is ready, one entry for each sandbox. */
export const readySandboxes = (node: NodeUnderTest): Promise<string[]> =>
  withRuntime(node, async (runtime) => {
    const sandboxes = await runtime.listPodSandbox();
    return sandboxes
      .filter(({ state }) => state === 'SANDBOX_READY')
      .map(({ labels }) => `${labels?.[podUidLabel]}`)
      .sort();
  });

const lines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');
const entriesOf = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : []);

/** The runtime makes them in hierarchies of its own when the first pod of their class comes; they stay as long as the node. */
const perTier = /\/kubepods\/(burstable|besteffort)$/;

/** One line for each thing. */
export async function inventory(node: NodeUnderTest): Promise<string[]> {
  const { layout, namespace, id, dataDir } = node;
  const inside = (program: string, ...args: string[]): Promise<string> => ok('nsenter', [`--net=/run/netns/${namespace}`, program, ...args]);
  const found = await Promise.all([
    withRuntime(node, async (runtime) => [
      ...(await runtime.listPodSandbox()).map((sandbox) => `sandbox ${sandbox.id}`),
      ...(await runtime.listContainers()).map((container) => `container ${container.id}`),
    ]),
    // Network namespaces of pods are mounts too, below the runtime's directory.
    ok('sh', ['-c', `grep -e '${dataDir}' -e '/run/knarr/${id}' /proc/self/mountinfo || true`]).then((text) =>
      lines(text).map((line) => `mount ${line.split(' ')[4]}`),
    ),
    ok('find', ['/sys/fs/cgroup', '-type', 'd', '-path', `*/knarr-${id}/*`]).then((text) =>
      lines(text)
        .filter((line) => !perTier.test(line))
        .map((line) => `cgroup ${line}`),
    ),
    inside('ip', '-o', 'link').then((text) => lines(text).map((line) => `link ${line.split(/[:@]\s*/)[1]}`)),
    inside('nft', '-s', 'list', 'ruleset').then((text) => lines(text).map((line) => `rule ${line.trim()}`)),
    ok('sh', [
      '-c',
      `for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -e 'containerd-shim' | grep -e '${dataDir}' -e '/run/knarr/${id}' || true; done`,
    ]).then((text) => lines(text).map((line) => `process ${line}`)),
    [join(layout.kubelet, 'pods'), layout.podLogs, layout.cniState, join(layout.cniState, 'networks'), join(layout.containerdState, 'netns')].flatMap(
      entriesOf,
    ),
    addressesGiven(layout.cniState),
  ]);
  return found.flat().sort();
}

/** Files named as addresses, wherever the plugin that hands them out keeps them. */
function addressesGiven(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(^|\/)\d+\.\d+\.\d+\.\d+$/.test(name))
    .map((name) => `address ${name}`);
}

/** What `now` has more than `before`, each as often as it does. */
export function surplus(now: readonly string[], before: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const one of before) left.set(one, (left.get(one) ?? 0) + 1);
  return now.filter((one) => {
    const count = left.get(one) ?? 0;
    left.set(one, count - 1);
    return count <= 0;
  });
}
