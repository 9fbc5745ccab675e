/** `knarr logs COMPONENT`. */

import { spawn } from 'node:child_process';
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../../cluster/config.ts';
import { clusterLayout } from '../../cluster/layout.ts';
import { type ClusterOptions, existingCluster } from '../cluster.ts';

export async function logs(component: string, options: ClusterOptions & { follow?: boolean }): Promise<void> {
  const { logs: directory } = clusterLayout(existingCluster(options));
  const file = join(directory, `${component.replaceAll('/', '-')}.log`);
  if (!existsSync(file)) {
    const known = existsSync(directory)
      ? readdirSync(directory)
          .filter((name) => name.endsWith('.log'))
          .map((name) => name.slice(0, -4))
      : [];
    throw new UserError(`there is no log of '${component}'; there is: ${known.join(', ') || 'none yet'}`);
  }
  if (options.follow) {
    const child = spawn('tail', ['-n', '+1', '-F', file], { stdio: ['ignore', 'inherit', 'ignore'] });
    await new Promise((resolve) => child.once('exit', resolve));
    return;
  }
  await pipeline(createReadStream(file), process.stdout, { end: false });
}
