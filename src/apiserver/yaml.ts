/** YAML bodies. What is long is read by a thread of its own, which is there while it is needed: the server answers others meanwhile. */
import { Worker } from 'node:worker_threads';
import { type ParsedYaml, parseJsonAsYaml, parseYamlStrict } from '../apimachinery/codec/yaml.ts';

/** The longest text that is read at once, in characters: the worst of that length takes some 50 ms. */
const shortText = 16 * 1024;
/** No document of the largest allowed size takes so long unless it was made to, in milliseconds. */
const timeLimitMs = 30_000;
/** The thread ends when it had nothing to do for so long, in milliseconds. */
const idleMs = 30_000;

/** What the thread answers: the value as JSON text. */
export type Conversion = { json: string; errors: string[] } | { failure: string };

export interface LongYaml extends ParsedYaml {
  /** The same as JSON, where the text was long. */
  json?: string;
}

/** Reads one document, as `parseYamlStrict` does. */
export async function readYaml(text: string): Promise<LongYaml> {
  if (text.length <= shortText) return parseYamlStrict(text);
  const plain = parseJsonAsYaml(text);
  if (plain) return plain;
  const turn = last.then(() => convert(text));
  last = turn.catch(() => {});
  const converted = await turn;
  if ('failure' in converted) throw new Error(converted.failure);
  return { value: JSON.parse(converted.json), errors: converted.errors, json: converted.json };
}

let last: Promise<unknown> = Promise.resolve();
let worker: Worker | undefined;
let idle: NodeJS.Timeout | undefined;

function launch(): Worker {
  const file = import.meta.url.endsWith('.ts') ? './yamlworker.ts' : './yamlworker.js';
  const launched = new Worker(new URL(file, import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: 2048 } });
  launched.unref();
  launched.on('error', () => {});
  launched.once('exit', () => {
    if (worker === launched) worker = undefined;
  });
  return launched;
}

/** One text at a time. */
function convert(text: string): Promise<Conversion> {
  clearTimeout(idle);
  worker ??= launch();
  const thread = worker;
  return new Promise((resolve) => {
    const settle = (conversion: Conversion): void => {
      clearTimeout(late);
      thread.off('message', settle);
      thread.off('error', fail);
      idle = setTimeout(() => {
        if (worker === thread) worker = undefined;
        void thread.terminate();
      }, idleMs);
      idle.unref();
      resolve(conversion);
    };
    const fail = (): void => {
      if (worker === thread) worker = undefined;
      void thread.terminate();
      settle({ failure: 'yaml: document takes more time or memory than it may' });
    };
    const late = setTimeout(fail, timeLimitMs);
    thread.on('message', settle);
    thread.on('error', fail);
    thread.postMessage(text);
  });
}
