/** How to run this program again, as a child. */
import { fileURLToPath } from 'node:url';
import type { Self } from '../cluster/supervisor/specs.ts';

export const self = (): Self => ({
  program: process.execPath,
  args: ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url))],
});
