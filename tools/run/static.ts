/** What can be said about the sources without running them: types, lint, formatting, import boundaries. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { violations } from '../check/boundaries.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Prints what is wrong. All checks run, whatever the first one says. */
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
