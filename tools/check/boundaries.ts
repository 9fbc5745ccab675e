/**
 * The layers of the house, as a table, and the check that imports keep to it. Imports point down only;
 * a room may always import from itself. `npm run check` fails on a line that breaks it.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** What a folder of `src` may import from besides itself. */
export const layers: Record<string, readonly string[]> = {
  cli: ['cluster', 'apiserver', 'controllers', 'scheduler', 'kubelet', 'simulation', 'proxy', 'dns', 'client', 'store', 'api', 'apimachinery'],
  cluster: ['apiserver', 'controllers', 'scheduler', 'kubelet', 'simulation', 'proxy', 'dns', 'client', 'store', 'api', 'apimachinery'],
  apiserver: ['store', 'client', 'api', 'apimachinery'],
  controllers: ['client', 'api', 'apimachinery'],
  scheduler: ['client', 'api', 'apimachinery'],
  kubelet: ['client', 'api', 'apimachinery'],
  simulation: ['client', 'api', 'apimachinery'],
  proxy: ['client', 'api', 'apimachinery'],
  dns: ['client', 'api', 'apimachinery'],
  client: ['api', 'apimachinery'],
  store: ['apimachinery'],
  api: ['apimachinery'],
  apimachinery: [],
};

/** Layers that do no I/O: what they may not import from Node. */
const pure = { folders: ['api', 'apimachinery'], forbidden: /^node:(net|http|https|http2|tls|dgram|child_process|worker_threads)$/ };

export interface Violation {
  file: string;
  imported: string;
  why: string;
}

const importPattern = /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g;

/** Every import of `src` that points up or sideways. Tests beside the code keep to the rule too. */
export function violations(root: string): Violation[] {
  const found: Violation[] = [];
  for (const file of globSync('src/**/*.ts', { cwd: root })) {
    const layer = file.split('/')[1] as string;
    const allowed = layers[layer];
    for (const match of readFileSync(join(root, file), 'utf8').matchAll(importPattern)) {
      const imported = (match[1] ?? match[2] ?? match[3]) as string;
      if (pure.folders.includes(layer) && !file.endsWith('.test.ts') && pure.forbidden.test(imported))
        found.push({ file, imported, why: `${layer} does no I/O` });
      if (!imported.startsWith('.')) continue;
      const target = normalize(join(dirname(file), imported)).split('/');
      const into = target[1] as string;
      if (target[0] !== 'src' || into === layer || allowed === undefined || target.length < 3) continue;
      if (!allowed.includes(into)) found.push({ file, imported, why: `${layer} may not import ${into}` });
    }
  }
  return found;
}
