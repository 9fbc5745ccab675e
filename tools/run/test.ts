/** `knarr test [--soak] [--only SUBSTRING] [unit|integration|e2e]…`: types, lint, boundaries, then the project's tests, ending with the counts. */
import { globSync } from 'node:fs';
import { runTests, type Suite } from './runner.ts';
import { root, staticChecks } from './static.ts';

const args = process.argv.slice(2);
const only = args.includes('--only') ? args[args.indexOf('--only') + 1] : undefined;
const wanted = args.filter((arg) => ['unit', 'integration', 'e2e'].includes(arg));
const files = (pattern: string[]): string[] =>
  globSync(pattern, { cwd: root })
    .filter((file) => only === undefined || file.includes(only))
    .sort();
const suites: Suite[] = [
  { title: 'unit', files: files(['src/**/*.test.ts', 'tools/**/*.test.ts']), concurrency: 2 },
  { title: 'integration', files: files(['test/integration/**/*.test.ts']), concurrency: 2 },
  { title: 'e2e', files: files(['test/e2e/**/*.test.ts']), concurrency: 1 },
  ...(args.includes('--soak') ? [{ title: 'soak', files: files(['test/soak/**/*.test.ts']), concurrency: 1 }] : []),
];
const sound = wanted.length > 0 || only !== undefined || staticChecks();
const { failed } = await runTests(
  suites.filter((suite) => wanted.length === 0 || wanted.includes(suite.title) || suite.title === 'soak'),
  root,
);
if (!sound) console.error('Types, lint, formatting or import boundaries failed: see above.');
process.exit(failed > 0 || !sound ? 1 : 0);
