/**
 * `/debug/v8/profile` and `/debug/v8/heap`: what V8 can tell of this process, in V8's own formats (for Chrome's developer tools).
 * Go's are at `/debug/pprof/`; these are none of them, so they are not there. Whoever may get the path may have it (RBAC: `nonResourceURLs`).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestContext } from '../context.ts';
import type { Reply, Sink } from '../exchange.ts';
import { textReply } from '../exchange.ts';

const prefix = '/debug/v8/';
const defaultSeconds = 30;
/** A profile ends before the request's own time is over. */
const mostSeconds = 55;
let profiling = false;

/** Undefined for any other path. */
export function serveProfiling({ info }: RequestContext): Promise<Reply> | Reply | undefined {
  if (!info.path.startsWith(prefix)) return undefined;
  const what = info.path.slice(prefix.length);
  if (what !== 'profile' && what !== 'heap') return undefined;
  if (info.verb !== 'get') return textReply(405, 'Method Not Allowed\n');
  if (what === 'heap') return heapSnapshot();
  const seconds = Number(info.query.get('seconds') ?? defaultSeconds);
  if (!(seconds > 0 && seconds <= mostSeconds)) return textReply(400, `seconds must be more than 0 and at most ${mostSeconds}\n`);
  return profile(seconds);
}

const attachment = (name: string) => ({
  'content-type': 'application/json',
  'content-disposition': `attachment; filename="${name}"`,
  'x-content-type-options': 'nosniff',
});

async function profile(seconds: number): Promise<Reply> {
  if (profiling) return textReply(500, 'Could not enable CPU profiling: cpu profiling already in use\n');
  profiling = true;
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  try {
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await sleep(seconds * 1000);
    const { profile: found } = await session.post('Profiler.stop');
    return { status: 200, headers: attachment('server.cpuprofile'), body: Buffer.from(JSON.stringify(found)) };
  } finally {
    session.disconnect();
    profiling = false;
  }
}

async function heapSnapshot(): Promise<Reply> {
  const { getHeapSnapshot } = await import('node:v8');
  return {
    status: 200,
    headers: attachment('server.heapsnapshot'),
    stream(sink: Sink) {
      const snapshot = getHeapSnapshot();
      sink.onClose(() => snapshot.destroy());
      snapshot.on('data', (chunk: Buffer) => {
        sink.write(chunk);
        if (sink.pendingBytes() < 1 << 20) return;
        snapshot.pause();
        sink.onDrain(() => snapshot.resume());
      });
      snapshot.once('end', () => sink.end());
    },
  };
}
