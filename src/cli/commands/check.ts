/** `knarr check`: all that can be said about the sources without starting a cluster, in one command. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { violations } from '../../../tools/check/boundaries.ts';
import { runTests } from '../tests.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export default async function check(): Promise<void> {
  const sound = staticChecks();
  const { failed } = await runTests([{ title: 'unit', files: globSync(['src/**/*.test.ts', 'tools/**/*.test.ts'], { cwd: root }), concurrency: 2 }], root);
  if (failed > 0 || !sound) process.exitCode = 1;
  process.exit();
}

/** Types, lint, formatting and import boundaries; prints what is wrong. All of them run, whatever the first one says. */
export function staticChecks(): boolean {
  const bin = (name: string): string => join(root, 'node_modules/.bin', name);
  const run = (title: string, program: string, args: string[]): boolean => {
    console.log(`── ${title}`);
    return (
      spawnSync(program, args, { cwd: root, stdio: 'inherit', env: { ...process.env, PATH: `${join(process.execPath, '..')}:${process.env.PATH}` } }).status ===
      0
    );
  };
  const results = [
    run('types', bin('tsc'), ['--noEmit', '-p', '.']),
    run('lint and format', bin('biome'), ['check', '--error-on-warnings', '.']),
    boundaries(),
  ];
  return !results.includes(false);
}

function boundaries(): boolean {
  console.log('── import boundaries');
  const found = violations(root);
  for (const { file, imported, why } of found) console.error(`${file}: imports ${imported}: ${why}`);
  return found.length === 0;
}
