/** The kubelet's configuration file as users give it: read once, checked at once, kept with the cluster. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemdProblem } from '../../kubelet/cgroups/systemd.ts';
import { ConfigurationError, configurationOf, type KubeletConfiguration, parseConfiguration } from '../../kubelet/config/configuration.ts';
import { parseProviders } from '../../kubelet/images/providers.ts';
import { type CredentialProviderFiles, UserError } from '../config.ts';

/** What the file says. Throws a `UserError` that names the file and everything that is wrong with it. */
export function readKubeletConfig(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`can't read the kubelet's configuration ${file}: ${(error as NodeJS.ErrnoException).code}`, 2);
  }
  const raw = explained(file, () => parseConfiguration(text));
  const problem = raw['cgroupDriver'] === 'systemd' ? systemdProblem() : undefined;
  if (problem) throw new UserError(`the kubelet's configuration ${file} is not usable here:\n  cgroupDriver "systemd": ${problem}`, 2);
  return raw;
}

/** Completed with defaults. `staticPodPath` is where manifests of static pods lie unless the configuration names another place. */
export function kubeletConfiguration(raw: Readonly<Record<string, unknown>> | undefined, staticPodPath: string): KubeletConfiguration {
  const configuration = explained('of the cluster', () => configurationOf(raw));
  return configuration.staticPodPath ? configuration : { ...configuration, staticPodPath };
}

function explained<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new UserError([`the kubelet's configuration ${where} is not usable:`, ...error.problems.map((problem) => `  ${problem}`)].join('\n'), 2);
  }
}

/** As the command line has them: both or neither. Throws a `UserError` for what can't be used. */
export function credentialProviderFiles({
  imageCredentialProviderConfig: config,
  imageCredentialProviderBinDir: binDir,
}: {
  imageCredentialProviderConfig?: string;
  imageCredentialProviderBinDir?: string;
}): { credentialProviders?: CredentialProviderFiles } {
  if (!config && !binDir) return {};
  if (!config || !binDir) throw new UserError('--image-credential-provider-config and --image-credential-provider-bin-dir belong together', 2);
  try {
    parseProviders(readFileSync(config, 'utf8'));
  } catch (error) {
    throw new UserError(`the credential providers in ${config} are not usable: ${(error as Error).message}`, 2);
  }
  return { credentialProviders: { config: resolve(config), binDir: resolve(binDir) } };
}
