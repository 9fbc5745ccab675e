/** The CNI configuration of a node: one bridge for its pods, addresses from its range, host ports. Upstream's standard plugins, one file. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { writeAtomically } from '../config.ts';

const network = 'knarr';
/** Files of ours, and those of containerd's loopback. */
const networks = new RegExp(`^(?:${network}|cni-loopback)-`);

export interface CniOptions {
  /** `10.244.1.0/24`, and a range of IPv6 where the cluster has both families. */
  podCidrs: readonly string[];
  /** Where host-local keeps which addresses are taken: gone with a reboot, as the pods are. */
  stateDir: string;
}

/** CNI 0.4.0: the newest that the plugins and containerd of Debian 12 both speak. */
const cniConfiguration = ({ podCidrs, stateDir }: CniOptions): string =>
  `${JSON.stringify(
    {
      cniVersion: '0.4.0',
      name: network,
      plugins: [
        {
          type: 'bridge',
          bridge: 'cni0',
          isGateway: true,
          // A pod that reaches itself through its service.
          hairpinMode: true,
          // The proxy's table masquerades what leaves the cluster.
          ipMasq: false,
          ipam: {
            type: 'host-local',
            dataDir: stateDir,
            ranges: podCidrs.map((subnet) => [{ subnet }]),
            routes: podCidrs.map((range) => ({ dst: range.includes(':') ? '::/0' : '0.0.0.0/0' })),
          },
        },
        { type: 'portmap', capabilities: { portMappings: true }, snat: true },
      ],
    },
    null,
    2,
  )}\n`;

/** Writes the file where the runtime watches for it; does nothing when it says the same already. */
export function writeCniConfiguration(confDir: string, options: CniOptions): void {
  const file = join(confDir, '10-knarr.conflist');
  const text = cniConfiguration(options);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  writeAtomically(file, text, 0o644);
}

/**
 * Removes what CNI kept of pods before the machine started, where a power cut left it half written: the runtime could never
 * remove such a pod. Without the file it can.
 */
export function removeTornResults(directory = '/var/lib/cni/results', startedAt = Date.now() - uptime() * 1000): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory).filter((one) => networks.test(one))) {
    const file = join(directory, name);
    const { mtimeMs = startedAt } = statSync(file, { throwIfNoEntry: false }) ?? {};
    if (mtimeMs < startedAt && isTorn(file)) rmSync(file, { force: true });
  }
}

function isTorn(file: string): boolean {
  try {
    JSON.parse(readFileSync(file, 'utf8'));
    return false;
  } catch {
    return true;
  }
}
