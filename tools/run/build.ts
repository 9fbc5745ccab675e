/**
 * Makes `dist/` for publishing: Node runs the sources directly, but not below `node_modules`. Run by `npm pack` and `npm publish`.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './static.ts';

const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
const compiler = join(root, 'node_modules/.bin/tsc');
const { status } = spawnSync(compiler, ['-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit', cwd: root });
if (status !== 0) process.exit(status ?? 1);
// What modules read at run time besides code.
for (const file of globSync('src/**/*.json', { cwd: root })) cpSync(join(root, file), join(dist, file.slice('src/'.length)));
