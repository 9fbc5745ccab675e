/** Files that may change while the server runs. */
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Logger } from 'pino';

/** Where the system does not tell of changes (and for links that were turned), it is looked for them so often; milliseconds. */
const lookMs = 60_000;
/** Writers take a moment: a file that was just truncated is not read yet. Milliseconds. */
const settleMs = 20;

/**
 * Calls back with the file's text whenever it is another one than before, the first time other than `text`.
 * A callback that throws leaves things as they were, and is logged; the next change is tried again.
 * @returns what ends it
 */
export function watchFile(file: string, text: string, changed: (text: string) => Promise<void> | void, log?: Logger): () => void {
  let known = text;
  let settling: NodeJS.Timeout | undefined;
  let busy = false;
  let again = false;
  let ended = false;

  async function look(): Promise<void> {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const now = readFileSync(file, 'utf8');
      if (now === known || ended) return;
      known = now;
      await changed(now);
      log?.info({ file }, 'a configuration file was loaded again');
    } catch (error) {
      log?.error({ err: error, file }, 'a configuration file is not usable; what was loaded before stays in force');
    } finally {
      busy = false;
      if (again && !ended) {
        again = false;
        void look();
      }
    }
  }

  const soon = (): void => {
    clearTimeout(settling);
    settling = setTimeout(() => void look(), settleMs);
  };
  let watcher: FSWatcher | undefined;
  try {
    // The directory, since files are replaced; in a mounted ConfigMap only a link beside the file changes.
    watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
      if (name === null || name === basename(file) || name.startsWith('..')) soon();
    });
    watcher.on('error', (error) => log?.warn({ err: error, file }, 'changes of a file are noticed once a minute only'));
  } catch (error) {
    log?.warn({ err: error, file }, 'changes of a file are noticed once a minute only');
  }
  const timer = setInterval(() => void look(), lookMs);
  timer.unref();
  return () => {
    ended = true;
    watcher?.close();
    clearInterval(timer);
    clearTimeout(settling);
  };
}
