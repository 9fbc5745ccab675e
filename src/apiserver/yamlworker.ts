/** The thread that reads long YAML: takes texts, gives JSON. */
import { parentPort } from 'node:worker_threads';
import { parseYamlStrict } from '../apimachinery/codec/yaml.ts';
import type { Conversion } from './yaml.ts';

function convert(text: string): Conversion {
  try {
    const { value, errors } = parseYamlStrict(text);
    return { json: JSON.stringify(value) ?? 'null', errors };
  } catch (error) {
    return { failure: (error as Error).message };
  }
}

parentPort?.on('message', (text: string) => parentPort?.postMessage(convert(text)));
