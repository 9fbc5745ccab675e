/** The kubelet's configuration file as users give it: read once, checked at once, kept with the cluster. */
import { readFileSync } from 'node:fs';
import { ConfigurationError, configurationOf, type KubeletConfiguration, parseConfiguration } from '../../kubelet/config/configuration.ts';
import { UserError } from '../config.ts';

/** What the file says. Throws a `UserError` that names the file and everything that is wrong with it. */
export function readKubeletConfig(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`can't read the kubelet's configuration ${file}: ${(error as NodeJS.ErrnoException).code}`, 2);
  }
  return explained(file, () => parseConfiguration(text));
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
