/** `/healthz`, `/livez` and `/readyz`, each with its checks under its own path. */

import type { RequestContext } from '../context.ts';
import type { Reply } from '../exchange.ts';
import { textReply } from '../exchange.ts';
import { healthChecks, healthNow } from './requestmetrics.ts';

export interface HealthCheck {
  name: string;
  /** Throws (or rejects) while something is wrong. */
  check(): void | Promise<void>;
  /** Where it counts; absent means everywhere. */
  on?: readonly ('healthz' | 'livez' | 'readyz')[];
  /** A step of the start: for a while it is not asked of `/livez`. */
  startup?: boolean;
  /** Shown after those that are added later. */
  last?: boolean;
}

/** Adds the check of a step of the start; done when what this gives is called. */
export function addHook(checks: HealthCheck[], name: string): () => void {
  let finished = false;
  checks.push({
    name: `poststarthook/${name}`,
    startup: true,
    check() {
      if (!finished) throw new Error('not finished');
    },
  });
  return () => {
    finished = true;
  };
}

type Endpoint = 'healthz' | 'livez' | 'readyz';

/** Undefined when the path is no health check's. `starting`: the server may still be at it. */
export function serveHealth(context: RequestContext, checks: readonly HealthCheck[], starting = false): Promise<Reply> | undefined {
  const [, endpoint = '', ...rest] = context.info.path.split('/');
  if (endpoint !== 'healthz' && endpoint !== 'livez' && endpoint !== 'readyz') return undefined;
  const name = rest.join('/');
  const graced = starting && endpoint === 'livez';
  const relevant = checks
    .filter(({ on }) => !on || on.includes(endpoint))
    .map((check) => (graced && check.startup ? { ...check, check: () => {} } : check))
    .sort((one, other) => Number(one.last ?? false) - Number(other.last ?? false));
  if (!name) return serveAll(context, endpoint, relevant);
  const one = relevant.find((check) => check.name === name);
  return one && serveOne(one, endpoint);
}

/** Undefined while all is well. */
const failure = async ({ check, name }: HealthCheck, type: Endpoint): Promise<Error | undefined> => {
  try {
    await check();
    told(name, type, true);
    return undefined;
  } catch (error) {
    told(name, type, false);
    return error instanceof Error ? error : new Error(String(error));
  }
};

function told(name: string, type: Endpoint, good: boolean): void {
  healthNow.set(Number(good), name, type);
  healthChecks.add(1, name, good ? 'success' : 'error', type);
}

const serveOne = async (check: HealthCheck, endpoint: Endpoint): Promise<Reply> => {
  const error = await failure(check, endpoint);
  return error ? textReply(500, `internal server error: ${error.message}\n`) : textReply(200, 'ok');
};

async function serveAll({ info }: RequestContext, endpoint: Endpoint, checks: readonly HealthCheck[]): Promise<Reply> {
  const excluded = new Set(info.query.getAll('exclude'));
  const lines: string[] = [];
  let bad = false;
  for (const check of checks) {
    if (excluded.delete(check.name)) lines.push(`[+]${check.name} excluded: ok`);
    else if (await failure(check, endpoint)) {
      bad = true;
      lines.push(`[-]${check.name} failed: reason withheld`);
    } else lines.push(`[+]${check.name} ok`);
  }
  if (excluded.size > 0) {
    lines.push(
      `warn: some health checks cannot be excluded: no matches for ${[...excluded]
        .sort()
        .map((name) => JSON.stringify(name))
        .join(', ')}`,
    );
  }
  const text = lines.map((line) => `${line}\n`).join('');
  if (bad) return textReply(500, `${text}${endpoint} check failed\n`);
  return info.query.has('verbose') ? textReply(200, `${text}${endpoint} check passed\n`) : textReply(200, 'ok');
}
