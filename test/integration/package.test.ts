/** What `npm pack` makes, in an empty project: a control plane for tests of operators, under node:test and under Vitest. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const npm = (args: string[], cwd: string): string => execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
let project: string;

before(() => {
  project = mkdtempSync(join(tmpdir(), 'knarr-package-'));
  const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', project], root)) as { filename: string }[];
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, 'knarr'), { recursive: true });
  execFileSync('tar', ['-xzf', join(project, packed?.filename ?? ''), '-C', join(modules, 'knarr'), '--strip-components=1']);
  // Its dependencies as npm would put them beside it, without asking a registry.
  for (const name of readdirSync(join(root, 'node_modules'))) if (name !== 'knarr') symlinkSync(join(root, 'node_modules', name), join(modules, name));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'operator', private: true, type: 'module' }));
});
after(() => rmSync(project, { recursive: true, force: true }));

const body = `
  const cluster = await startCluster({ store: 'memory' });
  const other = await startCluster({ store: 'memory' });
  try {
    const config = new KubeConfig();
    config.loadFromString(cluster.kubeconfig);
    const core = config.makeApiClient(CoreV1Api);
    await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'mine' }, data: { a: 'b' } } });
    const { items } = await core.listNamespacedConfigMap({ namespace: 'default' });
    if (!items.some(({ metadata }) => metadata.name === 'mine')) throw new Error('it is not there');
    const apart = new KubeConfig();
    apart.loadFromString(other.kubeconfig);
    const elsewhere = await apart.makeApiClient(CoreV1Api).listNamespacedConfigMap({ namespace: 'default' });
    if (elsewhere.items.some(({ metadata }) => metadata.name === 'mine')) throw new Error('clusters share state');
    await cluster.ready;
  } finally {
    await Promise.all([cluster.stop(), other.stop()]);
  }
`;
const imports = "import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';\nimport { startCluster } from 'knarr';\n";
const environment = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, NODE_TEST_CONTEXT: undefined };

test('under node:test, and the process ends by itself afterwards', () => {
  writeFileSync(join(project, 'operator.test.mjs'), `import { test } from 'node:test';\n${imports}test('an operator', async () => {${body}});\n`);
  const output = execFileSync(process.execPath, ['--test', 'operator.test.mjs'], { cwd: project, encoding: 'utf8', env: environment, timeout: 60_000 });
  assert.match(output, /pass 1/);
});

test('under Vitest', () => {
  writeFileSync(join(project, 'operator.spec.mjs'), `import { test } from 'vitest';\n${imports}test('an operator', async () => {${body}}, 30_000);\n`);
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const output = execFileSync(process.execPath, [vitest, 'run', 'operator.spec.mjs'], { cwd: project, encoding: 'utf8', env: environment, timeout: 120_000 });
  assert.match(output, /1 passed/);
});
