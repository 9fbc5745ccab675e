/** The versions of this program. */
import { readFileSync } from 'node:fs';

const { version: knarr } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

export const version = { knarr, kubernetes: 'v1.36.2', node: process.version };
