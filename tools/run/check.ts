/** `knarr check`: all that can be said about the sources without starting a cluster, unit tests included, in one command. */
import { globSync } from 'node:fs';
import { runTests } from './runner.ts';
import { root, staticChecks } from './static.ts';

const sound = staticChecks();
const { failed } = await runTests([{ title: 'unit', files: globSync(['src/**/*.test.ts', 'tools/**/*.test.ts'], { cwd: root }), concurrency: 2 }], root);
if (!sound) console.error('Types, lint, formatting or import boundaries failed: see above.');
process.exit(failed > 0 || !sound ? 1 : 0);
