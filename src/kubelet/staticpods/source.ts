/** Reads the manifests of static pods, and again whenever a file changes. A file that is no pod is told of and left out. */
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { type KubeletContext, messageOf } from '../context.ts';
import { sleep } from '../runtime/pleg.ts';

/** Editors write in several steps. */
const settleMs = 50;

export interface ManifestSource {
  /** What stands there now. Throws when the place can't be read at all. */
  read(): Promise<Pod[]>;
  /** Calls `changed` until the kubelet stops. */
  watch(changed: (pods: Pod[]) => void): Promise<void>;
}

type SourceContext = Pick<KubeletContext, 'options' | 'config' | 'log' | 'now' | 'signal'>;

export function createManifestSource({ options, config, log, now, signal }: SourceContext): ManifestSource {
  const place = config.staticPodPath;
  /** What was wrong with a file is told once, not at every look. */
  const told = new Map<string, string>();

  function tell(file: string, problem: string): void {
    if (told.get(file) === problem) return;
    told.set(file, problem);
    log.error({ file, err: problem }, 'could not process the manifest of a static pod');
  }

  async function one(file: string): Promise<Pod[]> {
    try {
      if (!(await stat(file)).isFile()) {
        tell(file, 'not a file');
        return [];
      }
      // Most nodes have no static pods, and need not know how to check one.
      const { parseManifest } = await import('./manifest.ts');
      const pod = parseManifest(await readFile(file, 'utf8'), file, options.nodeName, now());
      told.delete(file);
      return [pod];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') tell(file, messageOf(error));
      return [];
    }
  }

  async function read(): Promise<Pod[]> {
    const found = await stat(place).catch(() => undefined);
    if (found?.isFile()) return one(place);
    const names = found ? (await readdir(place)).filter((name) => !name.startsWith('.')).sort() : [];
    return (await Promise.all(names.map((name) => one(join(place, name))))).flat();
  }

  return {
    read,
    watch: async (changed) => {
      await stat(place).catch(() => mkdir(place, { recursive: true, mode: 0o755 }));
      let woken = Promise.withResolvers<void>();
      let watcher: FSWatcher | undefined;
      try {
        watcher = watch(place, () => woken.resolve());
        watcher.on('error', () => {}); // the directory may go: looking now and then notices
      } catch (error) {
        log.warn({ place, err: messageOf(error) }, 'manifests can not be watched, only looked at now and then');
      }
      while (!signal.aborted) {
        const timer = new AbortController();
        await Promise.race([woken.promise, sleep(config.fileCheckFrequency, AbortSignal.any([signal, timer.signal]))]);
        timer.abort();
        await sleep(settleMs, signal);
        woken = Promise.withResolvers();
        if (signal.aborted) break;
        try {
          changed(await read());
        } catch (error) {
          log.error({ place, err: messageOf(error) }, 'unable to read the manifests of static pods');
        }
      }
      watcher?.close();
    },
  };
}
