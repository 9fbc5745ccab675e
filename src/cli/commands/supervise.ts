/** The hidden command that `up` leaves running. */
import { loadConfig } from '../../cluster/config.ts';
import { supervise } from '../../cluster/supervisor/supervisor.ts';
import { self } from '../self.ts';

export async function superviseCommand({ dataDir }: { dataDir: string }): Promise<void> {
  const config = loadConfig(dataDir);
  if (!config) throw new Error(`there is no cluster in ${dataDir}`);
  await supervise({ config, self: self(), log: (message) => console.log(`${new Date().toISOString()} ${message}`) });
  process.exit(0);
}
