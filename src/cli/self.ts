/** How to run this program again, as a child. */
import { fileURLToPath } from 'node:url';
import type { Self } from '../cluster/supervisor/specs.ts';

export const self = (): Self => ({
  program: process.execPath,
  args: ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL('./main.ts', import.meta.url))],
});
