/** Options that the server and components which run alone have in common. */
import { checkElectionTimes, type ElectionTimes } from '../client/leaderelection.ts';
import { UserError } from '../cluster/config.ts';
import { parseDuration } from './cluster.ts';

export interface ElectionOptions {
  leaderElectLeaseDuration: string;
  leaderElectRenewDeadline: string;
  leaderElectRetryPeriod: string;
}

export function electionOf(options: ElectionOptions): ElectionTimes {
  const times = {
    leaseDurationMs: parseDuration(options.leaderElectLeaseDuration),
    renewDeadlineMs: parseDuration(options.leaderElectRenewDeadline),
    retryPeriodMs: parseDuration(options.leaderElectRetryPeriod),
  };
  try {
    checkElectionTimes(times);
  } catch (error) {
    throw new UserError(`--leader-elect: ${(error as Error).message}`, 2);
  }
  return times;
}

/** The entries of `--controllers`. A misspelt name would silently leave a controller out, or in: it is refused, with those that there are. */
export async function controllersOf(text: string): Promise<string[]> {
  const list = text.split(',').filter(Boolean);
  if (list.every((entry) => entry === '*')) return list;
  const [{ controllers }, { unknownControllers }] = await Promise.all([import('../controllers/index.ts'), import('../controllers/selection.ts')]);
  const unknown = unknownControllers(list, controllers);
  if (unknown.length === 0) return list;
  const why = unknown.map((entry) => `"${entry.replace(/^-/, '')}" is not in the list of known controllers`).join(', ');
  const names = controllers.map(({ name }) => name).sort();
  throw new UserError(`--controllers: ${why}. There are: ${names.join(', ')}`, 2);
}
