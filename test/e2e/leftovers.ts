/** What a cluster leaves on the host: nothing, after `down`. */
import { existsSync } from 'node:fs';
import { ok } from './cluster.ts';

/** Everything on the host that carries the cluster's mark: processes, mounts, namespaces, rules, interfaces, cgroups, sockets. */
export async function leftovers(id: string, dataDir: string): Promise<string[]> {
  const lines = (text: string): string[] => text.split('\n').filter(Boolean);
  const found = await Promise.all([
    ok('ip', ['netns', 'list']).then((text) => lines(text).filter((line) => line.includes(id))),
    ok('ip', ['-o', 'link']).then((text) => lines(text).filter((line) => line.includes(`kn${id}`))),
    ok('nft', ['list', 'tables']).then((text) => lines(text).filter((line) => line.includes(id))),
    ok('find', ['/sys/fs/cgroup', '-maxdepth', '3', '-name', `knarr[-_]${id}*`]).then(lines),
    ok('sh', ['-c', `grep -e '${dataDir}' -e '/run/knarr/${id}' /proc/self/mountinfo || true`]).then(lines),
    ok('sh', [
      '-c',
      `for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -e '${dataDir}' -e '/run/knarr/${id}' | grep -v 'sh -c' || true; done`,
    ]).then(lines),
  ]);
  return [...found.flat(), ...(existsSync(`/run/knarr/${id}`) ? [`/run/knarr/${id}`] : [])];
}
