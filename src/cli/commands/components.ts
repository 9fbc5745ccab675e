/** `knarr controller-manager` and `knarr scheduler`: a component alone, against an API server that a kubeconfig names. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { transportFromKubeconfig } from '../../client/kubeconfig.ts';
import type { Transport } from '../../client/transport.ts';
import { runControllerManager, runScheduler } from '../../cluster/components.ts';
import { UserError } from '../../cluster/config.ts';
import type { ControllerSettings } from '../../controllers/common/settings.ts';
import { controllersOf, type ElectionOptions, electionOf } from '../components.ts';
import { untilSignal } from '../signals.ts';

const patienceMs = 5_000;

interface ComponentOptions extends ElectionOptions {
  kubeconfig: string;
  leaderElect: boolean;
}

export interface ControllerManagerOptions extends ComponentOptions {
  controllers: string;
  clusterCidr?: string;
  nodeCidrMaskSize?: number;
  serviceClusterIpRange?: string;
  rootCaFile?: string;
  serviceAccountPrivateKeyFile?: string;
  clusterSigningCertFile?: string;
  clusterSigningKeyFile?: string;
}

export async function controllerManager(options: ControllerManagerOptions): Promise<void> {
  const controllers = await controllersOf(options.controllers);
  const settings = settingsOf(options);
  await untilEnd(await runControllerManager({ ...(await connection(options)), controllers, settings }));
}

export async function scheduler(options: ComponentOptions & { config?: string }): Promise<void> {
  const { config } = options;
  const file = config === undefined ? undefined : (await import('../../cluster/controlplane/schedulerconfig.ts')).readSchedulerFile(config);
  await untilEnd(await runScheduler({ ...(await connection(options)), ...(file ? { file } : {}) }));
}

async function untilEnd(running: { stop(): Promise<void> }): Promise<never> {
  await untilSignal();
  // An API server that is gone must not keep the process.
  await Promise.race([running.stop(), sleep(patienceMs)]);
  process.exit(0);
}

async function connection(options: ComponentOptions) {
  const election = options.leaderElect ? { election: electionOf(options) } : {};
  const connect = async (token?: () => Promise<string>): Promise<Transport> => transportFromKubeconfig(options.kubeconfig, token ? { token } : {});
  // A file that can't be read is told at once, not at the first request.
  const transport = await connect().catch((error: unknown) => {
    throw new UserError(`--kubeconfig: ${(error as Error).message}`, 2);
  });
  return { transport, connect, ...election };
}

function settingsOf(options: ControllerManagerOptions): ControllerSettings {
  const { clusterCidr, nodeCidrMaskSize, serviceClusterIpRange, clusterSigningCertFile: certificate, clusterSigningKeyFile: key } = options;
  if (!certificate !== !key) throw new UserError('--cluster-signing-cert-file and --cluster-signing-key-file belong together', 2);
  return {
    ...(clusterCidr ? { clusterCidr } : {}),
    ...(nodeCidrMaskSize ? { nodeCidrMaskSize } : {}),
    ...(serviceClusterIpRange ? { serviceCidr: serviceClusterIpRange } : {}),
    ...(options.rootCaFile ? { rootCa: read('--root-ca-file', options.rootCaFile) } : {}),
    ...(options.serviceAccountPrivateKeyFile
      ? { serviceAccountSigningKey: read('--service-account-private-key-file', options.serviceAccountPrivateKeyFile) }
      : {}),
    ...(certificate && key
      ? { signingCa: { certificate: read('--cluster-signing-cert-file', certificate), key: read('--cluster-signing-key-file', key) } }
      : {}),
  };
}

function read(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`${option}: ${(error as Error).message}`, 2);
  }
}
