/**
 * What a containerd that was killed in the middle of its work does not know any more when it comes back: shims without a
 * container, network namespaces without a sandbox, and addresses and port mappings that were given to them. It records a sandbox
 * when its network stands, so whatever is older than the present containerd and recorded nowhere belongs to nobody.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import { cniBinDirs } from '../containerd.ts';
import { tryRun } from '../host/run.ts';
import { endShims, type Shim, shimsOf } from '../host/shims.ts';
import type { NodeLayout } from '../layout.ts';

const results = '/var/lib/cni/results';
/** How often a look is taken whether containerd is another one. */
const lookMs = 2_000;
/** How often for shims that are left when their container is removed by a containerd that did not start them. */
const shimLookMs = 10_000;

interface CachedResult {
  containerId?: string;
  /** The network's configuration, base64. */
  config?: string;
  ifName?: string;
  cniArgs?: [string, string][] | null;
  capabilityArgs?: Record<string, unknown>;
  result?: { interfaces?: { sandbox?: string }[] };
}
interface NetworkConfiguration {
  cniVersion: string;
  name: string;
  plugins: { type: string; capabilities?: Record<string, boolean> }[];
}

const modifiedAt = (file: string): number | undefined => statSync(file, { throwIfNoEntry: false })?.mtimeMs;
const filesIn = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : []);

/** Sweeps now, and again whenever containerd was started anew, until the signal. What fails is logged and tried the next time. */
export async function sweepAfterRuntime(layout: NodeLayout, log: Logger, signal: AbortSignal): Promise<void> {
  let swept: number | undefined;
  let looks = 0;
  while (!signal.aborted) {
    const startedAt = modifiedAt(layout.containerdSocket);
    try {
      if (startedAt !== undefined && startedAt !== swept) {
        await sweep(layout, startedAt, log);
        swept = startedAt;
      } else if (++looks % (shimLookMs / lookMs) === 0) await endForgottenShims(layout, log);
    } catch (error) {
      log.debug({ err: error }, 'what a killed containerd left could not be looked for');
    }
    await sleep(lookMs, undefined, { signal }).catch(() => {});
  }
}

const criState = ({ containerdState }: NodeLayout, ...rest: string[]): string => join(containerdState, 'io.containerd.grpc.v1.cri', ...rest);

/** What containerd keeps of a container; made before its shim, and removed after that was told to end. */
const traces = (layout: NodeLayout, id: string): string[] => [
  join(layout.containerdState, 'io.containerd.runtime.v2.task/k8s.io', id),
  existsSync(criState(layout, 'containers', id)) ? criState(layout, 'containers', id) : criState(layout, 'sandboxes', id),
];

/** A containerd that did not start a shim itself may forget to end it. Files alone say where to look: asking costs a process. */
async function endForgottenShims(layout: NodeLayout, log: Logger): Promise<void> {
  const suspects = shimsOf(layout.containerdSocket).filter(({ id }) => !traces(layout, id).every((file) => existsSync(file)));
  if (suspects.length > 0) endUnknown(suspects, await knownContainers(layout), log);
}

async function knownContainers({ containerdSocket: socket }: NodeLayout): Promise<ReadonlySet<string>> {
  const { stdout } = await promisify(execFile)('ctr', ['--address', socket, '--namespace', 'k8s.io', 'containers', 'list', '--quiet']);
  return new Set(stdout.split('\n').filter(Boolean));
}

/** The shims must have been listed before the containers: one that is made meanwhile is known by then. */
function endUnknown(shims: readonly Shim[], known: ReadonlySet<string>, log: Logger): void {
  const left = shims.filter(({ id }) => !known.has(id));
  if (left.length === 0) return;
  log.info({ shims: left.map(({ id }) => id) }, 'ending shims whose container is gone');
  endShims(left);
}

async function sweep(layout: NodeLayout, startedAt: number, log: Logger): Promise<void> {
  const shims = shimsOf(layout.containerdSocket);
  const known = await knownContainers(layout);
  endUnknown(shims, known, log);

  for (const file of filesIn(results)) {
    const cached = readResult(file);
    const own = cached?.result?.interfaces?.some(({ sandbox }) => sandbox?.startsWith(layout.containerdState));
    if (!cached?.containerId || !own || known.has(cached.containerId) || (modifiedAt(file) ?? startedAt) >= startedAt) continue;
    log.info({ sandbox: cached.containerId, network: cached.ifName }, 'taking back the network of a sandbox that was never made');
    await takeBack(cached);
    rmSync(file, { force: true });
  }
  for (const file of filesIn(layout.cniState).flatMap((directory) => (statSync(directory).isDirectory() ? filesIn(directory) : []))) {
    if (!/\d+\.\d+\.\d+\.\d+$/.test(file) || (modifiedAt(file) ?? startedAt) >= startedAt) continue;
    const [holder = ''] = readFileSync(file, 'utf8').split(/\s/);
    if (!known.has(holder)) rmSync(file, { force: true });
  }
  const namespaces = filesIn(criState(layout, 'netns')).filter((file) => (modifiedAt(file) ?? startedAt) < startedAt);
  if (namespaces.length === 0) return;
  const inUse = networksInUse();
  for (const file of namespaces) {
    if (inUse.has(statSync(file).ino)) continue;
    log.info({ file }, 'removing a network namespace in which nothing runs');
    await tryRun('umount', [file]);
    rmSync(file, { force: true });
  }
}

function readResult(file: string): CachedResult | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as CachedResult;
  } catch {
    return undefined; // torn, or being written
  }
}

/** Asks the plugins in reverse, with what the runtime told them when it asked for the network. */
async function takeBack({ containerId = '', config = '', ifName = '', cniArgs, capabilityArgs = {}, result }: CachedResult): Promise<void> {
  const { cniVersion, name, plugins = [] } = JSON.parse(Buffer.from(config, 'base64').toString('utf8')) as NetworkConfiguration;
  const netns = result?.interfaces?.find(({ sandbox }) => sandbox)?.sandbox ?? '';
  const env = {
    ...process.env,
    CNI_COMMAND: 'DEL',
    CNI_CONTAINERID: containerId,
    CNI_IFNAME: ifName,
    CNI_NETNS: existsSync(netns) ? netns : '',
    CNI_PATH: cniBinDirs.join(':'),
    CNI_ARGS: (cniArgs ?? []).map(([key, value]) => `${key}=${value}`).join(';'),
  };
  for (const plugin of plugins.toReversed()) {
    const program = cniBinDirs.map((directory) => join(directory, plugin.type)).find((path) => existsSync(path));
    if (!program) continue;
    const runtimeConfig = Object.fromEntries(Object.entries(capabilityArgs).filter(([capability]) => plugin.capabilities?.[capability]));
    const running = promisify(execFile)(program, [], { env });
    running.child.stdin?.end(JSON.stringify({ ...plugin, cniVersion, name, prevResult: result, runtimeConfig }));
    await running;
  }
}

/** Inodes of the network namespaces that some process is in. */
function networksInUse(): Set<number> {
  const found = new Set<number>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      found.add(statSync(`/proc/${pid}/ns/net`).ino);
    } catch {
      // it ended meanwhile
    }
  }
  return found;
}
